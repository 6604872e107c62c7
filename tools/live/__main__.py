"""Build the browser edition alone: python -m tools.live FOLDER --pyodide PATH."""

import argparse
import sys
from pathlib import Path

from tools.live.distribution import DistributionError
from tools.live.edition import build


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.live", description=__doc__)
    parser.add_argument("folder", type=Path, help="is made anew")
    parser.add_argument("--pyodide", type=Path, required=True, help="folder or archive")
    parser.add_argument("--chapters", nargs="*", default=[], help="such as 01 04; all when omitted")
    options = parser.parse_args()
    try:
        sizes = build(options.folder, options.pyodide, options.chapters)
    except (DistributionError, RuntimeError) as error:
        sys.exit(str(error))
    parts = ", ".join(f"{name} {size} MB" for name, size in sizes.items())
    print(f"The live edition is in {options.folder}: {parts}.")


if __name__ == "__main__":
    main()
