"""Truth inference: one label per item from many annotations."""
