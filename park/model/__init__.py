"""The words every ring shares: units, phases, grants, facts and the messages that carry them."""
