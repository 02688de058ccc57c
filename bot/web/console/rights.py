"""Who may do what: one table of roles and rights."""

from __future__ import annotations

from enum import StrEnum

from bot.ledger.users import Role


class Right(StrEnum):
    """What a page or an action asks for."""

    READ = "read"
    OWN = "own"
    """One's own account: everybody who is signed in."""
    TALK = "talk"
    ORDERS = "orders"
    STOCK = "stock"
    CATALOGUE = "catalogue"
    CHANNELS = "channels"
    SETTINGS = "settings"


_READER = frozenset({Right.READ, Right.OWN})
_STAFF = _READER | {Right.TALK, Right.ORDERS, Right.STOCK, Right.CHANNELS}
RIGHTS = {Role.READER: _READER, Role.STAFF: _STAFF, Role.OWNER: frozenset(Right)}


def may(role: Role, right: Right) -> bool:
    return right in RIGHTS[role]
