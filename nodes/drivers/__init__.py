"""Edges towards charging electronics and card readers."""
