"""Who may charge, at which charge point: cards, the whitelist, the backend's word and what holds without it."""
