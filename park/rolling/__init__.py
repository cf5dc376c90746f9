"""Firmware for all boards of a park, a board at a time: the server's side of it, and a board's."""
