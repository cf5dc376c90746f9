"""Finding the boards of a park by DNS-SD: what is announced and what is seen. It proposes; it never grants trust."""
