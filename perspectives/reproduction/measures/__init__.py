"""What tables of papers measure besides scores of predictions, one kind a file; see `reproduction.measured`."""
