"""`python -m benchmarks [--quick] [NAME ...]`: measures one part after the other and prints a table of each."""

from __future__ import annotations

import argparse
import time

from benchmarks.parts import ONLY_BY_NAME, PARTS
from benchmarks.table import machine


def main() -> None:
    """Run the parts named, or all of them."""
    options = _options()
    print(machine(), flush=True)
    for name in options.parts or [part for part in PARTS if part not in ONLY_BY_NAME]:
        began = time.monotonic()
        table = PARTS[name](quick=options.quick)
        print(f"\n{table}\n\n({name}: {time.monotonic() - began:.0f} s)", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures chargepark on this machine.")
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="NAME",
        help=f"what to measure: {', '.join(PARTS)}; default: all but {', '.join(ONLY_BY_NAME)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: shows that it works, the figures mean nothing"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.parts) - set(PARTS))
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    main()
