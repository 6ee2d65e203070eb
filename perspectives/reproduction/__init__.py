"""Tables of papers, from a specification to the table beside the published values."""
