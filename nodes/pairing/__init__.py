"""Keys and certificates of the park: the server's CA, the boards that join it, and who is let in."""
