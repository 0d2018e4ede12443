"""LASeR-JND's autoencoders and predictors."""
