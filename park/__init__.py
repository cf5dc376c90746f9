"""The domain: state machines, load sharing, OCPP logic and physics, free of I/O, clocks and randomness."""
