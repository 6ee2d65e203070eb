"""What to cite: references in BibTeX, and which of them a run used."""
