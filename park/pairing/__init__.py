"""Which boards belong to the park: fingerprints, join tokens and who may have a certificate."""
