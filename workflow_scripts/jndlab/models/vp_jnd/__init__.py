"""VP-JND's patch classifier, its predecessor and their use as a method."""
