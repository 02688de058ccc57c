"""What the console needs beside the gateway's own parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.ledger.audit import LedgerAudit
from bot.ledger.engine import Ledger
from bot.ledger.passwords import Passwords
from bot.ledger.users import LedgerUsers
from bot.storage.kept_files import KeptFiles
from bot.storage.sessions import RedisSessions
from bot.storage.throttle import RedisThrottle


@dataclass(frozen=True, slots=True)
class Console:
    """Parts of the console. Everything connects lazily."""

    ledger: Ledger
    users: LedgerUsers
    audit: LedgerAudit
    sessions: RedisSessions
    throttle: RedisThrottle
    files: KeptFiles
    simulator: bool = False
    """Say on the sign-in page that this is a trial, and where the demo login stands."""
    passwords: Passwords = field(default_factory=Passwords)
