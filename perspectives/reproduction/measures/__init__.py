"""What tables of papers measure besides scores of predictions, one kind per file; see `reproduction.measured`."""
