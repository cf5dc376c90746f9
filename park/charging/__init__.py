"""One connector: control pilot, proximity, contactor, lock, session and the enforcement of its grant (IEC 61851-1)."""
