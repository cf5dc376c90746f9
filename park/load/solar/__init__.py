"""Charging by the sun: what a connection exports becomes a limit on what charge points take (B-085)."""
