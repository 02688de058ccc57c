"""The gateway's way to Rasa: one turn, one whole answer, or ``Unavailable`` with the reason. Nothing in between."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.core.addresses import ChannelName
from bot.core.basket import from_dict, to_dict
from bot.core.messages import Awaiting, Choice, Purpose, Reply
from bot.ports import Answer, Turn, Unavailable

TIMEOUT = 8.0
"""Seconds for a whole turn."""
READY_TIMEOUT = 2.0
KEPT = 30.0
"""Seconds an idle connection is kept: less than the server keeps it, so that a turn never meets a closed one."""
_CONNECTIONS = 32

_Filled = Annotated[str, StringConstraints(min_length=1)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class _Choice(_Body):
    value: _Filled
    title: _Filled
    description: str = ""


class _Reply(_Body):
    text: str
    choices: list[_Choice]
    awaiting: Annotated[Awaiting | None, Field(strict=False)]
    purpose: Annotated[Purpose | None, Field(strict=False)]
    image: str | None


class _Answer(_Body):
    replies: list[_Reply]
    basket: dict[str, Any]
    awaiting: Annotated[Awaiting | None, Field(strict=False)]
    customer_name: str | None
    language: str | None
    hand_over: bool
    order_id: str | None
    move_to: Annotated[ChannelName | None, Field(strict=False)]
    silent: bool


class RasaDialogue:
    """``ports.Dialogue`` over HTTP on loopback. Asking the same turn again is safe: it gets the same answer."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=timeout,
            # A proxy in the environment is for the outside; Rasa listens on loopback.
            trust_env=False,
            limits=httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=KEPT),
        )

    async def ask(self, turn: Turn) -> Answer:
        """Ask for a turn's answer. Raises Unavailable for anything that is not a whole answer."""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.post("/relais/turn", json=_request(turn))
        except TimeoutError as error:
            raise Unavailable(f"rasa: no answer in {self._timeout:g} s") from error
        except httpx.HTTPError as error:
            raise Unavailable(f"rasa: {type(error).__name__}") from error
        if response.status_code != httpx.codes.OK:
            raise Unavailable(f"rasa: {response.status_code} {_reason(response)}".rstrip())
        try:
            return _answer(_Answer.model_validate_json(response.content))
        except ValidationError as error:
            # The first place only: a message of pydantic quotes the value.
            place = ".".join(str(step) for step in error.errors()[0]["loc"])
            raise Unavailable(f"rasa: malformed answer at {place or 'body'}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable(f"rasa: malformed basket ({type(error).__name__})") from error

    async def ready(self) -> bool:
        """Does the model answer?"""
        try:
            response = await self._client.get("/relais/ready", timeout=READY_TIMEOUT)
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    async def forget(self, conversation_id: str) -> None:
        """Erase what Rasa's side keeps of a conversation. Raises Unavailable when it may not have happened."""
        try:
            response = await self._client.post("/relais/forget", json={"conversation_id": conversation_id})
        except httpx.HTTPError as error:
            raise Unavailable(f"rasa: {type(error).__name__}") from error
        if response.status_code != httpx.codes.OK:
            raise Unavailable(f"rasa: {response.status_code}")

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()


def _request(turn: Turn) -> dict[str, Any]:
    return {
        "conversation_id": turn.conversation_id,
        "turn_id": turn.turn_id,
        "text": turn.text,
        "choice": turn.choice,
        "context": {
            "shop_id": turn.shop_id,
            "channel": turn.channel.value,
            "language": turn.language,
            "customer_id": turn.customer_id,
            "customer_name": turn.customer_name,
            "known_phone": turn.known_phone,
            "basket": to_dict(turn.basket),
            "awaiting": turn.awaiting.value if turn.awaiting is not None else None,
            "asked_version": turn.asked_version,
            "last_order_id": turn.last_order_id,
            "offered": list(turn.offered),
            "place": list(turn.place) if turn.place is not None else None,
            "now": turn.now,
        },
    }


def _answer(body: _Answer) -> Answer:
    if not body.replies and not body.silent:
        raise Unavailable("rasa: an answer without a word that is not meant to be silent")
    return Answer(
        replies=tuple(_reply(reply) for reply in body.replies),
        basket=from_dict(body.basket),
        customer_name=body.customer_name,
        language=body.language,
        hand_over=body.hand_over,
        order_id=body.order_id,
        move_to=body.move_to,
    )


def _reply(reply: _Reply) -> Reply:
    purpose = reply.purpose or (Purpose.QUESTION if reply.awaiting is not None else Purpose.ANSWER)
    return Reply(
        text=reply.text,
        purpose=purpose,
        choices=tuple(Choice(choice.value, choice.title, choice.description) for choice in reply.choices),
        awaiting=reply.awaiting,
        image_url=reply.image,
    )


def _reason(response: httpx.Response) -> str:
    """What our side of Rasa says went wrong: one word and a detail, neither of which quotes a shopper."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    return " ".join(str(body[key]) for key in ("error", "detail") if isinstance(body.get(key), str))
