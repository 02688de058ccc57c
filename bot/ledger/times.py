"""Unix seconds, as the rules count them, to instants and to the text REST shows."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(unix_seconds: float) -> datetime:
    """Aware UTC."""
    return datetime.fromtimestamp(unix_seconds, UTC)


def instant_or_none(unix_seconds: float | None) -> datetime | None:
    """The same, where there may be none."""
    return None if unix_seconds is None else instant(unix_seconds)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def shown(moment: datetime) -> str:
    """``2026-11-24T08:15:00.250Z``: UTC, always three decimals."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_or_none(moment: datetime | None) -> str | None:
    """The same, where there may be none."""
    return None if moment is None else shown(moment)
