"""Load management: how much current each charge point may have, so that no fuse is ever asked for too much."""
