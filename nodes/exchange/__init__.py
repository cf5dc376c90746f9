"""The exchange between boards: frames of messages over gRPC with mutual TLS."""
