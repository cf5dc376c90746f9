"""Generated gRPC code (package chargepark.v1) and its translation to and from the domain's messages."""
