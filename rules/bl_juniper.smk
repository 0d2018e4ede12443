"""BL-JUNIPER: everything of it under one name."""
