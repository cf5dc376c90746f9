"""Meters: what their registers mean, whether a value can be trusted, and how old it may get."""
