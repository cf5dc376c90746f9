"""`python -m tests.fuzz [--runs N] [--seed S] [--slice N]`: N frames, or as many as keep every promise."""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tests.fuzz.target import Target


def main() -> None:
    """Feed slices, each with a seed of its own: S, S + 1 and so on."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Hostile frames, read and answered.")
    parser.add_argument("--runs", type=int, default=1_000_000, help="frames in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first slice (default: %(default)s)")
    parser.add_argument("--slice", type=int, default=50_000, help="frames of one seed (default: %(default)s)")
    options = parser.parse_args()
    counts, began, seed = Counter[str](), time.monotonic(), options.seed
    while counts["frames"] < options.runs:
        target = Target(seed)
        target.run(min(options.slice, options.runs - counts["frames"]))
        counts.update(target.counts)
        print(
            f"seed {seed}: {counts['frames']:,} frames in {time.monotonic() - began:.0f} s, none uncaught", flush=True
        )
        seed += 1
    print(", ".join(f"{count:,} {name}" for name, count in counts.most_common()))


if __name__ == "__main__":
    main()
