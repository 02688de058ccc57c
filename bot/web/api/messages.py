"""A conversation's messages: what was said, and saying something as the vendor."""

from __future__ import annotations

from typing import Any

from bot.core.conversations import Conversation
from bot.core.deliveries import Delivery
from bot.core.messages import Command
from bot.web.api import models
from bot.web.api.lane_calls import ask, command_id, exists
from bot.web.api.operations import Call, Operation, Result, invalid, listing
from bot.web.encoding import rfc3339
from bot.web.problems import Problem


def shape(delivery: Delivery) -> dict[str, Any]:
    """An outgoing message as REST shows it."""
    return {
        "id": delivery.id,
        "direction": "out",
        "author": delivery.reply.author,
        "channel": delivery.channel.value if delivery.channel else None,
        "text": delivery.text if delivery.text is not None else delivery.reply.text,
        "status": delivery.shown.value,
        "late": False,
        "superseded_by": delivery.superseded_by,
        "created_at": rfc3339(delivery.created_at),
        "provider_id": delivery.provider_id,
    }


async def list_(call: Call) -> Result:
    window = call.window()
    conversation_id = call.parameters["conversation_id"]
    await exists(call, conversation_id)
    return listing(await call.gateway.reads.messages(call.shop, conversation_id, window))


async def say(call: Call) -> Result:
    """Send as the vendor. It waits behind nothing and goes by the same roads as the bot's words."""
    conversation_id = call.parameters["conversation_id"]
    before = await exists(call, conversation_id)
    body = call.body(models.Say)
    if "\x00" in body.text:
        raise invalid("text", "control_character", "must not contain U+0000")
    had = before.serial if before is not None and call.idempotency_key() is None else 0
    command = Command(
        command_id(call, "say"), "say", call.gateway.clock.now(), arguments=(("text", body.text),)
    )
    after, _ = await ask(
        call, conversation_id, command, lambda record: _said(record, body.text, had) is not None
    )
    message = _said(after, body.text, had)
    if message is None:
        # A repeat so late that the record no longer holds the words.
        raise Problem("unavailable", "It was said before; read the messages.", headers={"Retry-After": "1"})
    return Result(shape(message), status=201)


def _said(conversation: Conversation, text: str, after: int) -> Delivery | None:
    """The vendor's newest message with these words, made after a serial number."""
    said = [
        d
        for d in conversation.deliveries
        if d.reply.author == "vendor" and d.reply.text == text and int(d.id.rpartition("-")[2]) > after
    ]
    return said[-1] if said else None


OPERATIONS = (
    Operation(
        "GET",
        "/conversations/{conversation_id}/messages",
        "conversations:read",
        "List a conversation's messages, oldest first",
        list_,
        models.Message,
        many=True,
    ),
    Operation(
        "POST",
        "/conversations/{conversation_id}/messages",
        "conversations:write",
        "Say something as the vendor; it does not take the conversation over",
        say,
        models.Message,
        body=models.Say,
        example={"text": "Bonjour, votre commande est prête."},
        success=201,
    ),
)
