"""VP-JND: everything of it under one name."""
