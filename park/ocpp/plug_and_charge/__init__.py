"""ISO 15118 Plug & Charge over OCPP 1.6, as the Open Charge Alliance's application note has it (v1.0, 2020-09-16)."""
