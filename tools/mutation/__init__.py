"""Bugs put into load management on purpose, to see whether the tests notice (docs/mutation.md)."""
