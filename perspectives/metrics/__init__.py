"""Metrics as pure functions on arrays. Each returns an `Estimate`: a value and every unit's influence on it."""
