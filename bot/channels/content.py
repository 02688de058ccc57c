"""Buttons and lists on WhatsApp: Twilio wants a Content resource made beforehand. One is made for each shape.

A shape is what cannot be a variable: the type, the titles of buttons, which rows have a description. Body,
ids and rows are variables, so a shop needs a handful of shapes for ever.
https://www.twilio.com/docs/content/using-variables-with-content-api
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from redis.exceptions import RedisError

from bot.core.messages import Part

LANGUAGE = "fr"


class ContentCache(Protocol):
    """ContentSids by account and shape. It may forget: a shape is then made again."""

    async def get(self, account: str, shape: str) -> str | None: ...

    async def put(self, account: str, shape: str, sid: str) -> None: ...

    async def drop(self, account: str, shape: str) -> None:
        """Forget one that the provider no longer knows."""
        ...


class MemoryContentCache:
    """For one process."""

    def __init__(self) -> None:
        self._sids: dict[tuple[str, str], str] = {}

    async def get(self, account: str, shape: str) -> str | None:
        return self._sids.get((account, shape))

    async def put(self, account: str, shape: str, sid: str) -> None:
        self._sids[account, shape] = sid

    async def drop(self, account: str, shape: str) -> None:
        self._sids.pop((account, shape), None)


class RedisLike(Protocol):
    """The three commands needed of ``redis.asyncio.Redis``."""

    def get(self, name: str) -> Awaitable[Any]: ...

    def set(self, name: str, value: str) -> Awaitable[Any]: ...

    def delete(self, name: str) -> Awaitable[Any]: ...


class RedisContentCache:
    """For all processes, in ``relais:content:<account>:<shape>``. Without Redis it forgets."""

    def __init__(self, redis: RedisLike, prefix: str = "relais") -> None:
        self._redis = redis
        self._prefix = prefix
        self._near = MemoryContentCache()

    def _key(self, account: str, shape: str) -> str:
        return f"{self._prefix}:content:{account}:{shape}"

    async def get(self, account: str, shape: str) -> str | None:
        near = await self._near.get(account, shape)
        if near is not None:
            return near
        try:
            found = await self._redis.get(self._key(account, shape))
        except (RedisError, OSError):
            return None
        sid = found.decode() if isinstance(found, bytes) else found
        if sid is not None:
            await self._near.put(account, shape, sid)
        return sid

    async def put(self, account: str, shape: str, sid: str) -> None:
        await self._near.put(account, shape, sid)
        try:
            await self._redis.set(self._key(account, shape), sid)
        except (RedisError, OSError):
            return

    async def drop(self, account: str, shape: str) -> None:
        await self._near.drop(account, shape)
        try:
            await self._redis.delete(self._key(account, shape))
        except (RedisError, OSError):
            return


@dataclass(frozen=True, slots=True)
class Content:
    """How one part is sent as Content: how to make its shape, and the variables of this message."""

    shape: str
    request: dict[str, Any]
    variables: str
    """JSON for ``ContentVariables``."""


def content_of(part: Part) -> Content | None:
    """The Content of a part with buttons or rows; None for plain text."""
    if part.buttons:
        return _content("twilio/quick-reply", *_quick_reply(part))
    if part.rows:
        return _content("twilio/list-picker", *_list_picker(part))
    return None


def _quick_reply(part: Part) -> tuple[dict[str, Any], dict[str, str]]:
    values = {"1": part.text}
    actions = []
    for number, (payload, title) in enumerate(part.buttons, 2):
        values[str(number)] = payload
        actions.append({"type": "QUICK_REPLY", "title": title, "id": f"{{{{{number}}}}}"})
    return {"body": "{{1}}", "actions": actions}, values


def _list_picker(part: Part) -> tuple[dict[str, Any], dict[str, str]]:
    values = {"1": part.text}
    items = []
    for payload, title, description in part.rows:
        words = {"item": title, "id": payload} | ({"description": description} if description else {})
        item = {}
        for name, word in words.items():
            number = str(len(values) + 1)
            values[number] = word
            item[name] = f"{{{{{number}}}}}"
        items.append(item)
    return {"body": "{{1}}", "button": part.list_label, "items": items}, values


def _content(kind: str, body: dict[str, Any], values: dict[str, str]) -> Content:
    types = {kind: body}
    canonical = json.dumps(types, sort_keys=True, ensure_ascii=False)
    shape = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    # Samples for the console of Twilio; every one is replaced in every message.
    samples = {number: f"x{number}" for number in values}
    request = {
        "friendly_name": f"relais_{shape}",
        "language": LANGUAGE,
        "variables": samples,
        "types": types,
    }
    return Content(shape, request, json.dumps(values, ensure_ascii=False))
