"""Board to board: how messages cross a link, numbered, acknowledged, dated and, where they are leases, in time."""
