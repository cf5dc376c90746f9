"""Modbus TCP meters: one connection an address, every meter behind it polled in its own rhythm."""
