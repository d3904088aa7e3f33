"""How long `mfg simulate` takes at a scale, step by step, and how much memory.

Usage: python bench/simulate.py [--scale large] [--defect-rate 0.01] [--memory 2GB] [--out DIR]

Prints seconds on the clock and of the processors for each step, the most memory that the process had, and what was
written. Without --out, what was written is thrown away.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from mfg_assets.settings import Settings
from mfg_assets.simulate.options import SCALES, Options
from mfg_assets.simulate.simulation import simulate


class Clock:
    """Prints how long the step before took whenever the next one begins."""

    def __init__(self) -> None:
        self.step: str | None = None
        self.began = (time.monotonic(), time.process_time())

    def __call__(self, step: str | None) -> None:
        now = (time.monotonic(), time.process_time())
        if self.step is not None:
            wall, processors = now[0] - self.began[0], now[1] - self.began[1]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            sys.stdout.write(f"{self.step:32} {wall:8.1f} s {processors:8.1f} s of processors {peak:6.2f} GB at most\n")
            sys.stdout.flush()
        self.step, self.began = step, now


def main() -> None:
    """Simulate once and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", default="large", choices=SCALES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect-rate", type=float, default=0.01)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    settings = Settings(memory_limit=chosen.memory, threads=chosen.threads)
    options = Options.of(chosen.scale, seed=chosen.seed, defect_rate=chosen.defect_rate)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        delivered = simulate(options, chosen.out or Path(folder) / "estate", settings, clock)
        clock(None)
    sys.stdout.write(
        f"{delivered.files:,} files, {delivered.bytes / 1e9:,.2f} GB, {delivered.findings:,} findings, "
        f"{delivered.seconds:.0f} s in all\n"
    )


if __name__ == "__main__":
    main()
