"""What must never be read in a log: secrets, and a shopper's whole number."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"(?<!\d)(?:\+|%2B|00)?225(?:01|05|07)\d{8}(?!\d)", re.IGNORECASE)
SHORTEST = 8
"""A shorter secret would be found everywhere."""


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """The lines that hold one of the secrets or an Ivorian mobile number in any spelling that a URL or a log has."""
    kept = [secret for secret in secrets if len(secret) >= SHORTEST]
    return [line for line in text.splitlines() if _NUMBER.search(line) or any(secret in line for secret in kept)]
