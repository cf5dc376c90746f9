"""Measurements: `make bench` prints them side by side; they are no tests and have no limits."""
