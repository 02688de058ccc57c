"""``make bench``: every benchmark, one after the other. Each prints its table and writes ``var/bench/<name>.json``."""

from __future__ import annotations

import subprocess
import sys

NAMES = ("startup", "lanes", "webhooks", "rest", "turns", "catalogue", "detection", "hang", "console", "triage")


def main() -> int:
    """Run them; the first that fails ends it with its status."""
    for name in NAMES:
        print(f"--- {name}", flush=True)
        status = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
