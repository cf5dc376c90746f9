"""Weighted max-min fair currents over fuses, power limits and limits of imbalance (safety §2)."""
