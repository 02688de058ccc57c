"""One conversation as one story: words on every channel, moves, hands, notes and orders in the order of time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.core.conversations import Conversation
from bot.ledger.times import instant
from bot.web.console import words

SOFT = frozenset({"read", "delivered", "received", "sent"})
"""Statuses that need no words beside their tick."""
NOTICE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the story. ``kind``: message, move, hands, note, order, day, channel."""

    kind: str
    at: datetime
    id: str = ""
    serial: int = 0
    side: str = ""
    """``in`` or ``out``."""
    author: str = ""
    channel: str = ""
    text: str = ""
    status: str = ""
    why: str = ""
    """Why it failed or waits, in words; for a move its reason."""
    code: str = ""
    late: bool = False
    superseded_by: str = ""
    attachments: Sequence[Mapping[str, Any]] = ()
    old: str = ""
    asked: bool = False
    who: str = ""
    number: str = ""
    grouped: bool = False
    """The same author said the thing before, just now: no need to name them again."""


def build(
    rows: Iterable[Any],
    record: Conversation | None,
    turns: Iterable[Any],
    notes: Iterable[Any],
    orders: Iterable[Mapping[str, Any]],
    zone: str,
    complete: bool,
) -> list[Item]:
    """Everything from the oldest row on. ``complete``: the rows reach back to the first message."""
    said = _messages(rows, record)
    begin = said[0].at if said and not complete else None
    beside = [*_turns(turns, said), *_notes(notes), *_orders(orders)]
    kept = [item for item in beside if begin is None or item.at >= begin]
    # Messages keep their own order: a provider's clock may be behind ours.
    story = _merged(said, sorted(kept, key=lambda item: item.at))
    return _grouped(_with_days(_with_channels(story), zone))


def _messages(rows: Iterable[Any], record: Conversation | None) -> list[Item]:
    """Transcript items; what the lane has committed stands above the ledger's copy, which follows by some milliseconds."""
    items = {row.id: _from_row(row) for row in rows}
    oldest = min((item.serial for item in items.values()), default=0)
    for delivery in record.deliveries if record is not None else ():
        serial = int(delivery.id.rpartition("-")[2])
        if serial < oldest:
            continue
        items[delivery.id] = Item(
            kind="message",
            at=instant(delivery.created_at),
            id=delivery.id,
            serial=serial,
            side="out",
            author=delivery.reply.author,
            channel=delivery.channel.value if delivery.channel else "",
            text=delivery.text if delivery.text is not None else delivery.reply.text,
            status=delivery.shown.value,
            why=words.REASONS.get(delivery.reason or "", ""),
            code=delivery.error_code or "",
            superseded_by=delivery.superseded_by or "",
        )
    return sorted(items.values(), key=lambda item: item.serial)


def _from_row(row: Any) -> Item:
    return Item(
        kind="message",
        at=row.created_at,
        id=row.id,
        serial=row.serial,
        side=row.direction,
        author=row.author,
        channel=row.channel or "",
        text=row.text,
        status=row.status,
        why=words.REASONS.get(row.reason or "", ""),
        code=row.error_code or "",
        late=row.late,
        superseded_by=row.superseded_by or "",
        attachments=tuple(row.attachments),
    )


def _turns(turns: Iterable[Any], said: Sequence[Item]) -> Iterable[Item]:
    for turn in turns:
        data = turn.data
        match turn.type:
            case "conversation.moved":
                old, new = str(data.get("old", "")), str(data.get("new", ""))
                yield Item(
                    kind="move",
                    at=turn.occurred_at,
                    id=turn.id,
                    channel=new,
                    old=old,
                    asked=bool(data.get("asked")),
                    why=words.REASONS.get(str(data.get("reason") or ""), ""),
                    code=_code_before(turn.occurred_at, old, said),
                )
            case "conversation.handed_over":
                yield Item(kind="hands", at=turn.occurred_at, id=turn.id, author=str(data.get("to", "")))
            case "customer.opted_out":
                channel = words.address(str(data.get("address", "")))[0]
                yield Item(kind="optout", at=turn.occurred_at, id=turn.id, channel=channel)


def _code_before(at: datetime, channel: str, said: Sequence[Item]) -> str:
    """The vendor's code of the message whose failure made the conversation move."""
    failed = [item for item in said if item.code and item.channel == channel and item.at <= at]
    return failed[-1].code if failed else ""


def _notes(notes: Iterable[Any]) -> Iterable[Item]:
    for note in notes:
        yield Item(kind="note", at=note.at, id=note.id, text=note.text, who=note.who)


def _orders(orders: Iterable[Mapping[str, Any]]) -> Iterable[Item]:
    for order in orders:
        at = datetime.fromisoformat(order["created_at"])
        yield Item(
            kind="order", at=at, id=order["id"], number=order["number"], text=words.francs(order["total_xof"])
        )


def _merged(said: Sequence[Item], beside: Sequence[Item]) -> list[Item]:
    story: list[Item] = []
    waiting = list(beside)
    for item in said:
        while waiting and waiting[0].at < item.at:
            _place(story, waiting.pop(0))
        story.append(item)
    for item in waiting:
        _place(story, item)
    return story


def _place(story: list[Item], item: Item) -> None:
    """A move is told once its notice has left, and belongs before it; everything else goes to the end."""
    at = len(story)
    while item.kind == "move" and at and _is_notice(story[at - 1], item):
        at -= 1
    story.insert(at, item)


def _is_notice(said: Item, move: Item) -> bool:
    near = abs((move.at - said.at).total_seconds()) < NOTICE_SECONDS
    return said.kind == "message" and said.side == "out" and said.channel == move.channel and near


def _with_channels(story: Sequence[Item]) -> list[Item]:
    """A quiet mark where the shopper writes elsewhere by themselves, so that no change of channel goes unsaid."""
    told, shown = "", []
    for item in story:
        if item.kind == "move":
            told = item.channel
        elif item.kind == "message" and item.channel and item.side == "in":
            if told and item.channel != told and not item.late:
                shown.append(Item(kind="channel", at=item.at, id=f"c-{item.id}", channel=item.channel))
            if not item.late:
                told = item.channel
        elif item.kind == "message" and item.channel and not told:
            told = item.channel
        shown.append(item)
    return shown


def _with_days(story: Sequence[Item], zone: str) -> list[Item]:
    shown: list[Item] = []
    today = None
    for item in story:
        date = words.local(item.at, zone).date()
        if date != today:
            shown.append(Item(kind="day", at=item.at, id=f"day-{date.isoformat()}"))
            today = date
        shown.append(item)
    return shown


def _grouped(story: Sequence[Item]) -> list[Item]:
    shown: list[Item] = []
    for item in story:
        before = shown[-1] if shown else None
        same = (
            before is not None
            and item.kind == before.kind == "message"
            and (item.author, item.channel) == (before.author, before.channel)
            and (item.at - before.at).total_seconds() < 300
            and not item.late
        )
        shown.append(replace(item, grouped=True) if same else item)
    return shown
