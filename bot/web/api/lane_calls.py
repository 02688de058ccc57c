"""Asking something of a conversation through its lane, and answering when it is committed."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Protocol

from bot.core.addresses import LaneId
from bot.core.conversations import Conversation
from bot.core.messages import Command
from bot.web.api.operations import Call
from bot.web.gateway import Gateway, in_time
from bot.web.problems import Problem

COMMIT_SECONDS = 5.0
LOOK_EVERY = 0.05
_LANE = re.compile(r"[0-9a-f]{20}")


class Caller(Protocol):
    """Who asks: REST's ``Call`` or a visit to the console."""

    @property
    def gateway(self) -> Gateway: ...

    @property
    def shop(self) -> str: ...


async def committed(gateway: Gateway, shop: str, conversation_id: str) -> Conversation | None:
    """The record as last committed, if it is this shop's; None when the store has none. Raises Unavailable."""
    if not _LANE.fullmatch(conversation_id):
        return None
    state = await in_time(gateway.lanes.peek(LaneId(conversation_id)))
    if state is None:
        return None
    found = gateway.codec.decode_conversation(state)
    return found if found.shop_id == shop and found.id == conversation_id else None


async def exists(call: Caller, conversation_id: str) -> Conversation | None:
    """404 unless the shop has it. None: the store forgot it, the ledger did not; its lane will rebuild it."""
    found = await committed(call.gateway, call.shop, conversation_id)
    if found is None and await call.gateway.reads.conversation(call.shop, conversation_id) is None:
        raise Problem("not-found")
    return found


async def ask(
    call: Caller, conversation_id: str, command: Command, done: Callable[[Conversation], bool]
) -> tuple[Conversation, bool]:
    """Put a command and wait, 5 s at most, until it shows in the record. The flag is False for a repeat.

    Not in time: 503 with Retry-After; the command is durable and will still be obeyed.
    """
    gateway = call.gateway
    put = await gateway.put(LaneId(conversation_id), command)
    end = gateway.clock.now() + COMMIT_SECONDS
    found: Conversation | None = None
    while gateway.clock.now() < end:
        found = await committed(gateway, call.shop, conversation_id)
        if found is not None and done(found):
            return found, put.fresh
        await gateway.clock.sleep(LOOK_EVERY)
    if found is not None and not put.fresh:
        return found, False
    raise Problem("unavailable", "It was taken in but is not done yet.", headers={"Retry-After": "1"})


def command_id(call: Call, name: str) -> str:
    """Derived from key and Idempotency-Key, so that a repeat is dropped by the lane; else new."""
    given = call.idempotency_key()
    if given is None:
        return f"{name}:{secrets.token_hex(12)}"
    digest = hmac.new(
        call.gateway.secret, f"{name}\n{call.key.id}\n{given}".encode(), hashlib.sha256
    ).hexdigest()
    return f"{name}:{digest[:24]}"
