"""`python -m nodes.cli` is `chargepark`: how the demo starts its parts, wherever the script is installed."""

from __future__ import annotations

from nodes.cli import main

main()
