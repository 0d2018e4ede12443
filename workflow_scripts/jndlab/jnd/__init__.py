"""Classical just-noticeable-difference models and the interface of a method."""
