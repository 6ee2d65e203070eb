"""What to cite: the references in BibTeX, and which of them a run used."""
