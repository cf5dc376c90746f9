"""The gRPC edge for energy managers and `chargepark status`: the park view, read-only, on loopback."""
