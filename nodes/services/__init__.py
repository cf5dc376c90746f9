"""Programs on site that talk to the backend through this node."""
