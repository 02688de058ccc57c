"""What fails again and again is set aside, so that its shopper is not blocked and no lane tries for ever.

A lane counts its takes since it was last given back in order, where the store can see it: an attempt that kills its
worker counts as one that raises. After ``MOST_ATTEMPTS`` what is to blame is parked: visible, and to be tried again by
hand. What cannot be parked (a record nobody can read) is tried with a growing wait and shown as failing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from traceback import extract_tb

import structlog

from bot.core import speaking, wording
from bot.core.addresses import home_lane
from bot.core.conversations import Conversation, Unanswered, WantedFile
from bot.core.deliveries import Delivery
from bot.core.messages import Command, Item, MessageStatus, Received
from bot.flows.desk import Desk, Work
from bot.ports import Codec, Commit, Lease, Parked, ParkedKind

MOST_ATTEMPTS = 5
"""At a first wait of half a second, doubled each time, a shopper is held up for a quarter of a minute."""
FIRST_WAIT = 0.5
LONGEST_WAIT = 300.0
MOST_TURN_FAULTS = 8
"""Failures of one turn while Rasa and the actions are there; with the waits of ``converse``, 45 seconds."""
DIED = "the worker ended"
AGAIN = "answer_again"
"""Command by which a parked turn comes back: its message is in the transcript already."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The first item of the inbox."""

    key: str
    item: Item


@dataclass(frozen=True, slots=True)
class TurnDue:
    """The first unanswered message."""

    first: Unanswered


@dataclass(frozen=True, slots=True)
class Ready:
    """A reply that may leave now."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Overdue:
    """A receipt that does not come."""

    delivery: Delivery


Due = Arrived | TurnDue | Ready | Overdue | WantedFile
"""What a step does next."""


class Failed(Exception):
    """A step ended by a bug. Its text says what was being done, what went wrong and where, and quotes nobody."""

    def __init__(self, doing: str, error: Exception) -> None:
        super().__init__(f"{doing}{SAYS}{place(error)}" if doing else place(error))


SAYS = ": "


def wait(attempts: int) -> float:
    """Seconds until a lane is tried again after so many attempts that failed."""
    return float(min(FIRST_WAIT * 2 ** (min(attempts, 20) - 1), LONGEST_WAIT))


def place(error: BaseException) -> str:
    """What went wrong and where. Not the message of the exception: it may quote a shopper."""
    frames = extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def name(due: Due) -> str:
    """The same for the same thing in every attempt. Ids are shortened to digests: some hold an address."""
    kind, id_ = _kind_and_id(due)
    return f"{kind} {blake2b(id_.encode(), digest_size=4).hexdigest()}"


def _kind_and_id(due: Due) -> tuple[str, str]:
    match due:
        case Arrived(key, _):
            return "item", key
        case TurnDue(first):
            return "turn", first.received.id
        case Ready(delivery):
            return "reply", delivery.id
        case Overdue(delivery):
            return "receipt", delivery.id
        case WantedFile():
            return "file", due.name


def given_up(lease: Lease) -> bool:
    """Has it been tried often enough?"""
    return lease.attempts > MOST_ATTEMPTS


def to_blame(work: Work) -> bool:
    """Is what is being done what failed before? When every worker died over it, the first thing due is taken for it.

    A failure before anything was begun blames nothing: such a lane is only tried again.
    """
    lease = work.lease
    return given_up(lease) and (lease.failure is None or lease.failure.startswith(f"{work.doing}{SAYS}"))


def set_aside(desk: Desk, work: Work, due: Due, now: float) -> None:
    """Do without it: the lane goes on with the next thing."""
    lease = work.lease
    why = lease.failure or DIED
    log.error("lane.set_aside", due=work.doing, why=why, attempts=lease.attempts - 1)
    # One failure, one thing: what comes after it on this lease is done.
    work.lease = replace(lease, attempts=1, failure=None)
    match due:
        case Arrived(key, item):
            data = dict(lease.items)[key]
            work.parked.append(Parked(work.lane, key, data, ParkedKind.ITEM, why, lease.attempts - 1, now))
            if isinstance(item, Received):
                excuse(work, now)
        case TurnDue(_):
            park_turn(desk, work, why, lease.attempts - 1, now)
        case Ready(delivery):
            ended = replace(delivery, status=MessageStatus.FAILED, reason="internal_error", ended_at=now)
            work.conversation = work.conversation.with_delivery(ended)
        case Overdue(delivery):
            # Whether it arrived stays open; it is not looked at again.
            ended = replace(delivery, status=MessageStatus.EXPIRED, reason="internal_error", ended_at=now)
            work.conversation = work.conversation.with_delivery(ended)
        case WantedFile() as file:
            others = tuple(other for other in work.conversation.files if other.name != file.name)
            work.conversation = replace(work.conversation, files=others)
            work.event("message.file_lost", now, file.name, file=file.name, message_id=file.name.rpartition("-")[0])


def park_turn(desk: Desk, work: Work, why: str, attempts: int, now: float) -> None:
    """Set the first unanswered message aside, and tell its shopper."""
    first = work.conversation.unanswered[0]
    work.conversation = work.conversation.answered()
    message = desk.codec.encode_item(first.received).decode(errors="surrogatepass")
    marks = tuple((name, "yes") for name in ("late", "replayed") if getattr(first, name))
    again = Command(f"{AGAIN}:{first.received.id}:{now:.3f}", AGAIN, now, (("message", message), *marks))
    item = desk.codec.encode_item(again)
    work.parked.append(Parked(work.lane, again.id, item, ParkedKind.TURN, why, attempts, now))
    excuse(work, now)


def obey_again(codec: Codec, conversation: Conversation, command: Command) -> Conversation:
    """Ask the dialogue about a parked message once more."""
    received = codec.decode_item((command.argument("message") or "").encode(errors="surrogatepass"))
    if not isinstance(received, Received) or conversation.human:
        return conversation
    late, replayed = command.argument("late") is not None, command.argument("replayed") is not None
    again = Unanswered(received, replayed=replayed, late=late)
    return replace(conversation, unanswered=(*conversation.unanswered, again))


def excuse(work: Work, now: float) -> None:
    """Tell the shopper that this message was not understood, with the question that is open."""
    conversation = work.conversation
    if conversation.human or not conversation.customer.on(conversation.channel):
        return
    text = wording.not_handled(conversation.customer.language)
    work.conversation = speaking.with_question(conversation, text, now)


async def unreadable(desk: Desk, lease: Lease) -> bool:
    """Set aside what of the inbox nobody can read. False: all of it can be read, the trouble is elsewhere."""
    now, found = desk.clock.now(), []
    for key, data in lease.items:
        try:
            desk.codec.decode_item(data)
        except ValueError as error:
            found.append(Parked(lease.lane, key, data, ParkedKind.UNREADABLE, place(error), lease.attempts - 1, now))
    if not found:
        return False
    log.error("lane.set_aside", due="unreadable", count=len(found))
    keys = tuple(parked.item_id for parked in found)
    await desk.lanes.commit(lease, Commit(lease.state or b"", keys, due_at=now, parked=tuple(found)))
    return True


async def forget(desk: Desk, work: Work) -> None:
    """An erased shopper's parked words go as well, also those of lanes that have moved here."""
    homes = {home_lane(work.shop.id, known.address) for known in work.conversation.customer.addresses}
    for lane in sorted({work.lane, *homes}):
        await desk.lanes.forget_parked(lane)
