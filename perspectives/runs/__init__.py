"""Run folders: reading and writing one, grouping several, and joining their predictions."""
