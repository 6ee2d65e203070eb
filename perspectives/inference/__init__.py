"""A trained model at hand: new texts, chosen respondents, folders to keep and the Hub."""
