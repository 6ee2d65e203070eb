"""Predictions in, scores out: of one run, of the rows of a comparison, and of outside models."""
