"""Concurrency: thin pykka shells around the steps of the domain, and the supervision over them."""
