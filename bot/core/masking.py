"""Phone numbers in answers: whole for keys that may change something of people, masked for keys that only read."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

SEEING = frozenset({"orders:write", "conversations:write", "customers:write"})
"""Any of these shows phone numbers whole."""
_ADDRESS_FIELDS = ("address", "old_address", "new_address")


def sees_phones(scopes: Set[str]) -> bool:
    return bool(SEEING & scopes)


def masked(value: Any) -> Any:
    """The same object with phone numbers as ``+225••••••01``, wherever they stand."""
    if isinstance(value, Mapping):
        return {name: _field(name, inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inner) for inner in value]
    return value


def _field(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if name == "phone":
            return _number(value)
        if name in _ADDRESS_FIELDS:
            scheme, colon, rest = value.partition(":")
            return f"{scheme}{colon}{_number(rest)}" if rest.startswith("+") else value
    return masked(value)


def _number(number: str) -> str:
    """Country and last two digits stay."""
    return f"{number[:4]}{'•' * max(len(number) - 6, 0)}{number[-2:]}"
