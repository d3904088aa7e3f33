"""Writes the contract reference: `python -m mfg_assets.contracts FOLDER`.

Belongs here: that command. Doesn't belong here: what the pages say (`derive`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mfg_assets.contracts.derive import write_docs


def main() -> int:
    """Write one page per entity and an index; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mfg_assets.contracts", description="Write the contract reference.")
    parser.add_argument("folder", type=Path, help="where the pages go; made if missing")
    pages = write_docs(parser.parse_args().folder)
    sys.stdout.write(f"{len(pages)} pages, begin with {pages[0]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
