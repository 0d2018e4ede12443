"""BL-JUNIPER's CNN of block JNDs."""
