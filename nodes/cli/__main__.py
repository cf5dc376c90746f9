"""`python -m nodes.cli`: the command for those who have no script on their path."""

from __future__ import annotations

from nodes.cli import main

main()
