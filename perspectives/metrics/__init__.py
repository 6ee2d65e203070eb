"""Metrics as pure functions on arrays; each returns an `Estimate`: a value and every unit's influence on it."""
