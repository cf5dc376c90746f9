"""The Prometheus edge: every figure of the park view as a metric, rendered when it is asked for."""
