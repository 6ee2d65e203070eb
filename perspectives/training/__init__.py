"""Configuration in, run out: one training, what happens beside its loop, and new people from a few labels."""
