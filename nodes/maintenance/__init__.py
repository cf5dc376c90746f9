"""The maintenance edge: log uploads, firmware, certificates."""
