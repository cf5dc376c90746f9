"""Processes: the I/O edges, the worlds actors run in, and the composition of a node."""
