"""Vendor codes are data: a CSV beside its channel, ``code,scope,retry,certainty,note``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bot.core.failures import Certainty, Failure, Retry, Scope


@cache
def read_table(path: Path) -> Mapping[str, Failure]:
    """Every known code and its meaning. Read once."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Failure(
                Scope(row["scope"]),
                Retry(row["retry"]),
                Certainty(row["certainty"]),
                row["code"],
                row["note"],
            )
            for row in csv.DictReader(file)
        }
