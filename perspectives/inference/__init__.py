"""Trained models in use: predictions for new texts and chosen respondents, exported folders and the Hub."""
