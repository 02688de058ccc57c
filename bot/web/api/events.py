"""The feed: asked for by number, waited for, or streamed. Nothing is queued for a slow reader, it holds a number."""

from __future__ import annotations

import asyncio
import random

from bot.core.masking import masked, sees_phones
from bot.ledger import views
from bot.ports import Unavailable
from bot.web.api.event_kinds import TYPES, Event
from bot.web.api.operations import STREAM, Call, Operation, Parameter, Result, invalid
from bot.web.encoding import dumps
from bot.web.problems import Problem

MOST_WAIT = 10
"""Seconds; the server's own limit for an answer is 15."""
HEARTBEAT = 15.0
SEND_SECONDS = 30.0
"""A reader that takes nothing for so long is let go; it comes back with its last number."""
LIFE = 3600.0
MOST_NUMBER = 2**62
_NUMBER = {"type": "integer", "minimum": 0, "maximum": MOST_NUMBER}


def _types(call: Call) -> frozenset[str]:
    raw = call.query("types")
    wanted = frozenset(raw.split(",")) if raw else frozenset()
    if wanted - set(TYPES):
        raise invalid("types", "unknown_type", f"known are {', '.join(TYPES)}")
    return wanted


async def list_(call: Call) -> Result:
    """What follows a number. With ``wait`` an empty list is answered only after so many seconds."""
    window, types = call.window(), _types(call)
    after, wait = call.whole("after", 0, MOST_NUMBER), call.whole("wait", 0, MOST_WAIT) or 0
    if window.cursor is not None:
        if after is not None:
            raise invalid("cursor", "given_twice", "give after or cursor, not both")
        if not (window.cursor.isascii() and window.cursor.isdigit() and len(window.cursor) < 19):
            raise invalid("cursor", "not_a_cursor", "give back a next_cursor of this list, unchanged")
        after = int(window.cursor)
    place, watch = after or 0, call.gateway.feed
    await _not_gone(call, after)
    end = asyncio.get_running_loop().time() + wait
    async with watch.waiting(call.shop) as bell:
        while True:
            bell.clear()
            found = await watch.feed.after(call.shop, place, window.limit + 1, types)
            left = end - asyncio.get_running_loop().time()
            if found or left <= 0 or watch.closed:
                break
            try:
                async with asyncio.timeout(left):
                    await bell.wait()
            except TimeoutError:
                continue
    more, shown = len(found) > window.limit, found[: window.limit]
    return Result({"items": shown, "next_cursor": str(shown[-1]["seq"]) if more else None})


async def _not_gone(call: Call, after: int | None) -> None:
    """410 rather than a silent jump over what was removed."""
    if after is None:
        return
    feed = call.gateway.feed.feed
    oldest = await feed.oldest(call.shop) or await feed.last(call.shop) + 1
    if after < oldest - 1:
        raise Problem("gone", f"The oldest event left has the number {oldest}.")


async def stream(call: Call) -> Result:
    """Server-sent events. ``Last-Event-ID`` outranks ``after``; without either it begins with what is new."""
    types, place = _types(call), call.whole("after", 0, MOST_NUMBER)
    said = call.request.headers.get("last-event-id", "").strip()
    if said:
        if not (said.isascii() and said.isdigit() and len(said) < 19):
            raise invalid("Last-Event-ID", "not_a_number", "give back an id of this stream")
        place = int(said)
    watch = call.gateway.feed
    await _not_gone(call, place)
    with watch.stream_of(call.key.id):
        if place is None:
            place = await watch.feed.last(call.shop)
        answer = await call.request.respond(
            content_type=f"{STREAM}; charset=utf-8",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        assert answer is not None
        try:
            await _pour(call, answer, place, types)
        except TimeoutError:
            transport = call.request.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
            return Result(None)
        await answer.eof()
    return Result(None)


async def _pour(call: Call, answer: object, place: int, types: frozenset[str]) -> None:
    watch, plain = call.gateway.feed, not sees_phones(call.key.scopes)
    loop = asyncio.get_running_loop()
    end, last_sent = loop.time() + LIFE, loop.time()

    async def send(text: str) -> None:
        nonlocal last_sent
        async with asyncio.timeout(SEND_SECONDS):
            await answer.send(text)  # type: ignore[attr-defined]
        last_sent = loop.time()

    # Jitter: after a restart not everybody comes back in the same moment.
    await send(f"retry: {3000 + random.randrange(2000)}\n\n")
    async with watch.waiting(call.shop) as bell:
        while not watch.closed and loop.time() < end:
            bell.clear()
            found: list[views.Json] = []
            try:
                found = await watch.feed.after(call.shop, place, types=types)
            except Unavailable:
                await send(": the ledger cannot be reached\n\n")
            for event in found:
                data = dumps(masked(event) if plain else event)
                await send(f"id: {event['seq']}\nevent: {event['type']}\ndata: {data}\n\n")
                place = event["seq"]
            if found:
                continue
            if loop.time() - last_sent >= HEARTBEAT:
                await send(": still here\n\n")
            try:
                async with asyncio.timeout(max(HEARTBEAT - (loop.time() - last_sent), 0.1)):
                    await bell.wait()
            except TimeoutError:
                continue


_AFTER = Parameter("after", "What follows this number (seq)", "4711", _NUMBER)
_OF_TYPES = Parameter("types", "Only these, with commas between", "order.placed,order.updated")

OPERATIONS = (
    Operation(
        "GET",
        "/events",
        "events:read",
        "List events, oldest first",
        list_,
        Event,
        many=True,
        query=(
            _AFTER,
            Parameter(
                "wait",
                "Seconds to wait for the next one",
                "5",
                {"type": "integer", "minimum": 0, "maximum": MOST_WAIT},
            ),
            _OF_TYPES,
        ),
        statuses=(410,),
        description="Keep the highest seq you have worked on and ask for what follows: nothing is missed and nothing "
        "comes before it later. Events are kept for 30 days; an older after is 410.",
    ),
    Operation(
        "GET",
        "/events/stream",
        "events:read",
        "Stream events as they happen",
        stream,
        None,
        query=(_AFTER, _OF_TYPES),
        media=STREAM,
        statuses=(410,),
        description="Server-sent events: id is the seq, event the type, data the event. Come back with Last-Event-ID. "
        "Without it and without after the stream begins with what is new. A comment every 15 s keeps it open, "
        "an end after an hour is normal.",
    ),
)
