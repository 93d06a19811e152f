"""Tables, figures and documents, drawn from the tables of `evaluation`; nothing here computes a score."""
