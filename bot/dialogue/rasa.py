"""The gateway's way to Rasa: one turn, one whole answer, or ``Unavailable`` with the reason. Nothing in between."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.core.addresses import ChannelName
from bot.core.basket import from_dict, to_dict
from bot.core.messages import Awaiting, Choice, Purpose, Reply
from bot.ports import Answer, Turn, TurnFailed, Unavailable

TIMEOUT = 8.0
"""Seconds for a whole turn."""
READY_TIMEOUT = 2.0
KEPT = 30.0
"""Seconds an idle connection is kept: less than the server keeps it, so that a turn never meets a closed one."""
_CONNECTIONS = 32
OWN_FAULTS = frozenset({"answer", "bug", "limit", "malformed", "nlg", "silence"})
"""Words of ``inside_rasa`` for failures that the same turn will meet again, whoever is up."""

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
        self._url = url
        self._timeout = aiohttp.ClientTimeout(timeout)
        self._opened: aiohttp.ClientSession | None = None

    async def ask(self, turn: Turn) -> Answer:
        """Ask for a turn's answer. Raises Unavailable for anything that is not a whole answer."""
        try:
            async with self._session().post("/relais/turn", json=_request(turn)) as response:
                body = await response.read()
        except TimeoutError as error:
            raise Unavailable(f"rasa: no answer in {self._timeout.total:g} s") from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"rasa: {type(error).__name__}") from error
        if response.status != HTTPStatus.OK:
            word, detail = _reason(body)
            kind = TurnFailed if _own_fault(word, detail) else Unavailable
            raise kind(f"rasa: {response.status} {word} {detail}".rstrip())
        try:
            return _answer(_Answer.model_validate_json(body))
        except ValidationError as error:
            # The first place only: a message of pydantic quotes the value.
            place = ".".join(str(step) for step in error.errors()[0]["loc"])
            raise TurnFailed(f"rasa: malformed answer at {place or 'body'}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise TurnFailed(f"rasa: malformed basket ({type(error).__name__})") from error

    async def ready(self) -> bool:
        """Does the model answer?"""
        limit = aiohttp.ClientTimeout(READY_TIMEOUT)
        try:
            async with self._session().get("/relais/ready", timeout=limit) as response:
                return response.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def forget(self, conversation_id: str) -> None:
        """Erase what Rasa's side keeps of a conversation. Raises Unavailable when it may not have happened."""
        asked = {"conversation_id": conversation_id}
        try:
            async with self._session().post("/relais/forget", json=asked) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"rasa: {type(error).__name__}") from error
        if status != HTTPStatus.OK:
            raise Unavailable(f"rasa: {status}")

    async def close(self) -> None:
        """Let the connections go."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        """Opened at the first call: it belongs to the event loop that runs then."""
        if self._opened is None:
            connections = aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=KEPT)
            # A proxy in the environment is for the outside; Rasa listens on loopback. aiohttp asks for none by itself.
            self._opened = aiohttp.ClientSession(self._url, connector=connections, timeout=self._timeout)
        return self._opened


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
        raise TurnFailed("rasa: an answer without a word that is not meant to be silent")
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


def _reason(answer: bytes) -> tuple[str, str]:
    """What our side of Rasa says went wrong: one word and a detail, neither of which quotes a shopper."""
    try:
        body = json.loads(answer)
    except ValueError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    word, detail = (body[key] if isinstance(body.get(key), str) else "" for key in ("error", "detail"))
    return word, detail


def _own_fault(word: str, detail: str) -> bool:
    """Did Rasa, or an action it reached, fail over this turn? An action that lacks the ledger answers 503."""
    if word == "action":
        return all(failure.endswith(": status 500") for failure in detail.split("; "))
    return word in OWN_FAULTS
