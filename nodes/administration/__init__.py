"""Orders of people to a running node, over a socket in its data directory."""
