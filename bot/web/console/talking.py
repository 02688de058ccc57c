"""Taking a conversation over, answering, giving it back, leaving a note: all through the lane, like REST."""

from __future__ import annotations

from collections.abc import Callable

from sanic import HTTPResponse

from bot.core.conversations import Conversation
from bot.core.messages import Command
from bot.flows import shutting_out
from bot.ledger.beside import LedgerBeside
from bot.web.api.lane_calls import ask, exists
from bot.web.console import conversation as story
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem


async def take_over(visit: Visit) -> HTTPResponse:
    return await _hand(visit, "take_over", human=True)


async def release(visit: Visit) -> HTTPResponse:
    return await _hand(visit, "release", human=False)


async def _hand(visit: Visit, name: str, human: bool) -> HTTPResponse:
    now = await exists(visit, visit.parameters["conversation_id"])
    said = "taken" if human else "given"
    if now is None or now.human is not human:
        done = await _ask(
            visit, Command(f"{name}:{visit.once()}", name, visit.now), lambda c: c.human is human
        )
        said = said if done else "late"
        await visit.note(f"talk.{'taken' if human else 'given'}", visit.parameters["conversation_id"])
    return _back(visit, said)


async def shut_out(visit: Visit) -> HTTPResponse:
    return await _door(visit, shutting_out.SHUT_OUT, out=True)


async def let_in(visit: Visit) -> HTTPResponse:
    return await _door(visit, shutting_out.LET_IN, out=False)


async def _door(visit: Visit, name: str, out: bool) -> HTTPResponse:
    conversation_id = visit.parameters["conversation_id"]
    await exists(visit, conversation_id)
    command = Command(f"{name}:{visit.once()}", name, visit.now)
    done = await _ask(visit, command, lambda c: c.customer.shut_out is out)
    await visit.note("talk.blocked" if out else "talk.unblocked", conversation_id)
    return _back(visit, ("blocked" if out else "unblocked") if done else "late")


async def say(visit: Visit) -> HTTPResponse:
    """Send as the vendor. Who answers takes the conversation over, so that the bot does not talk in between."""
    text, conversation_id = visit.form("text", 4000), visit.parameters["conversation_id"]
    before = await exists(visit, conversation_id)
    if not text:
        return _back(visit, "empty")
    once = visit.once()
    if before is None or not before.human:
        await _ask(visit, Command(f"take_over:{once}", "take_over", visit.now), lambda c: c.human)
        await visit.note("talk.taken", conversation_id)
    had = {d.id for d in before.deliveries} if before is not None else set()
    command = Command(f"say:{once}", "say", visit.now, arguments=(("text", text),))

    def said(record: Conversation) -> bool:
        return any(
            d.reply.author == "vendor" and d.reply.text == text and d.id not in had for d in record.deliveries
        )

    done = await _ask(visit, command, said)
    await visit.note("talk.said", conversation_id, characters=len(text))
    return await _shown(visit, "" if done else "late")


async def note(visit: Visit) -> HTTPResponse:
    text, conversation_id = visit.form("text", 2000), visit.parameters["conversation_id"]
    await exists(visit, conversation_id)
    if not text:
        return _back(visit, "empty")
    kept = await LedgerBeside(visit.console.ledger).add_note(
        visit.shop, conversation_id, visit.user.id, visit.user.name, text
    )
    if not kept:
        raise Problem("not-found")
    await visit.note("talk.noted", conversation_id)
    return await _shown(visit, "")


async def _ask(visit: Visit, command: Command, done: Callable[[Conversation], bool]) -> bool:
    """Put it into the lane and wait until it shows; False: it is durable, but not done within 5 s."""
    try:
        await ask(visit, visit.parameters["conversation_id"], command, done)
    except Problem as problem:
        if problem.slug != "unavailable":
            raise
        return False
    return True


async def _shown(visit: Visit, said: str) -> HTTPResponse:
    """The fresh story for a script, the page for everybody else."""
    return await story.log(visit) if visit.partial else _back(visit, said)


def _back(visit: Visit, said: str) -> HTTPResponse:
    return visit.go(f"/conversations/{visit.parameters['conversation_id']}", said, **_kept(visit))


def _kept(visit: Visit) -> dict[str, str]:
    folder = visit.form("dossier", 20)
    return {"dossier": folder} if folder else {}


_AT = "/conversations/<conversation_id:str>"
PAGES = (
    Page("POST", f"{_AT}/take-over", Right.TALK, take_over),
    Page("POST", f"{_AT}/release", Right.TALK, release),
    Page("POST", f"{_AT}/block", Right.TALK, shut_out),
    Page("POST", f"{_AT}/unblock", Right.TALK, let_in),
    Page("POST", f"{_AT}/say", Right.TALK, say),
    Page("POST", f"{_AT}/note", Right.TALK, note),
)
