"""What is wrong in a shop's files, and where: all of it is told together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. ``file`` as ``awa-mode/shop.yml``, ``line`` from 1; ``column``: a number in YAML, a name in CSV."""

    file: str
    line: int
    column: int | str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ShopFilesError(Exception):
    """The files cannot be used. ``problems`` names all that is wrong, without any secret."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))
