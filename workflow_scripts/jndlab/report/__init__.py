"""Tables, figures and the comparison with printed numbers."""
