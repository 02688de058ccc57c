"""Authentic webhooks that were not understood, kept as they came: the newest, bounded in number, size and age."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from bot.storage.connection import PREFIX, as_client, reach

KEPT = 1_000
BODY = 16 * 1024
"""Bytes of a body that are kept."""
DAYS = 30


@dataclass(frozen=True, slots=True)
class Surprise:
    """One of them. ``at``: Unix seconds; ``size``: bytes of the whole body."""

    id: str
    at: float
    shop: str
    hook: str
    kind: str
    size: int
    body: bytes


class RedisSurprises:
    """A stream for all shops. What it holds may be a shopper's words: it is for the operator, and not for ever."""

    def __init__(
        self, client_or_url: Redis | str, prefix: str = PREFIX, now: Callable[[], float] = time.time
    ) -> None:
        self._redis = as_client(client_or_url)
        self._key = f"{prefix}{{surprises}}"
        self._now = now

    async def keep(self, shop: str, hook: str, kind: str, body: bytes) -> None:
        """Keep one durably. Raises Unavailable."""
        fields: dict[Any, Any] = {"shop": shop, "hook": hook, "kind": kind[:200], "size": len(body), "body": body[:BODY]}
        oldest = int((self._now() - DAYS * 86400) * 1000)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xadd(self._key, fields, maxlen=KEPT, approximate=False)
        pipeline.xtrim(self._key, minid=str(oldest), approximate=True)
        await reach(pipeline.execute())

    async def newest(self, count: int, shop: str | None = None) -> list[Surprise]:
        """Newest first, of one shop or of all. Raises Unavailable."""
        rows = await reach(self._redis.xrevrange(self._key, count=KEPT))
        found = [_read(row_id.decode(), fields) for row_id, fields in rows]
        return [each for each in found if shop is None or each.shop == shop][:count]


def _read(row_id: str, fields: dict[bytes, bytes]) -> Surprise:
    words = {name.decode(): value for name, value in fields.items()}
    return Surprise(
        id=row_id,
        at=int(row_id.partition("-")[0]) / 1000,
        shop=words["shop"].decode(),
        hook=words["hook"].decode(),
        kind=words["kind"].decode(),
        size=int(words["size"]),
        body=words["body"],
    )
