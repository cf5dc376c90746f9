"""The configuration file of a node: what may stand in it, what it means, and every mistake named with its place."""
