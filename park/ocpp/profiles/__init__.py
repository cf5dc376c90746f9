"""Charging profiles of OCPP 1.6 §3.13: what a backend limits, when, and what follows from all of them together."""
