"""The edge to the local network: announces this node by DNS-SD and tells which boards are announced."""
