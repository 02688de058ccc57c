"""One lane in hand: load, do what is due, one thing at a time, commit; give it back with its next due time."""

from __future__ import annotations

from dataclasses import replace

from bot.core import speaking, wording
from bot.core.addresses import ChannelName, LaneId, ShopId, parse
from bot.core.conversations import Conversation, WantedFile
from bot.core.messages import (
    Command,
    Item,
    MessageStatus,
    Purpose,
    Received,
    Reply,
    Reported,
)
from bot.flows import (
    collect,
    converse,
    deliver,
    erasing,
    intake,
    keep_files,
    linking,
    nudge,
    parking,
    reach_out,
    rebuild,
    reconcile,
    shutting_out,
    spending,
    tell_orders,
    watch,
)
from bot.flows.desk import Desk, NoPermit, Work, commit
from bot.flows.parking import Arrived, Due, Overdue, Ready, TurnDue
from bot.ports import Commit, Lease, LostLease, Unavailable

MOST_STEPS = 40
"""Steps on one lease before the lane goes back, so that one busy shopper cannot keep a worker."""


async def step(desk: Desk, lease: Lease) -> None:
    """Work on a leased lane until nothing is due. Raises LostLease, Unavailable and, for a bug, parking.Failed.

    Then nothing half-done is written.
    """
    if parking.given_up(lease) and await parking.unreadable(desk, lease):
        return
    work = await load(desk, lease)
    if work is None:
        return
    try:
        await _work(desk, work)
    except (LostLease, Unavailable):
        raise
    except Exception as error:
        raise parking.Failed(work.doing, error) from error


async def _work(desk: Desk, work: Work) -> None:
    due = await _next(desk, work)
    for _ in range(MOST_STEPS):
        if due is None:
            break
        done = due
        try:
            await _one(desk, work, done)
        except NoPermit as refused:
            again_at = desk.permits.again_at(refused.party, desk.clock.now())
            await commit(desk, work, due_at=again_at, release=True)
            return
        due = await _next(desk, work)
        if due is not None and work.dirty and not _may_wait(work, done, due):
            await commit(desk, work, due_at=desk.clock.now(), release=False)
    at = watch.next_due(work.conversation) if due is None else desk.clock.now()
    await commit(desk, work, at, release=True)


def _may_wait(work: Work, done: Due, following: Due) -> bool:
    """May what was done be written together with what follows? Each commit is a twentieth of what a turn costs.

    What was only taken in is taken in again after a crash. An answer's commit is the one before the call that sends it.
    What the outside has been told, and what was set aside, is written at once; and everything where an attempt has failed
    before, so that what comes first in the next one is what it died over.
    """
    if work.parked or work.lease.attempts > 1:
        return False
    return isinstance(done, Arrived) or (isinstance(done, TurnDue) and isinstance(following, Ready))


async def _next(desk: Desk, work: Work) -> Due | None:
    """What to do now, or None when nothing is due."""
    now = desk.clock.now()
    work.doing = ""
    deliver.count_move(work, now)
    if not work.items:
        watch.gather(work, now)
        watch.person(work, now)
        watch.remind(work, now)
        work.conversation = spending.release(work.conversation, now)
        await reach_out.nudge(desk, work, now)
    return _due(work, now)


async def _one(desk: Desk, work: Work, due: Due) -> None:
    """Do one thing, or do without it. At most one outside call in it."""
    work.doing = parking.name(due)
    if parking.to_blame(work):
        parking.set_aside(desk, work, due, desk.clock.now())
    else:
        await _do(desk, work, due)
    if isinstance(due, Arrived):
        work.done(due.key)


def _due(work: Work, now: float) -> Due | None:
    """The most urgent thing, or None."""
    if work.items:
        return Arrived(*work.items[0])
    ready = next(iter(speaking.waiting(work.conversation)), None)
    asked = work.conversation.turn_due_at
    turn_is_due = asked is not None and asked <= now
    if turn_is_due and ready is not None and speaking.may_grow(ready):
        # The answers to a burst leave as one message.
        return TurnDue(work.conversation.unanswered[0])
    if ready is not None and ready.not_before <= now:
        return Ready(ready)
    silent = watch.overdue(work.conversation, now)
    if silent is not None:
        return Overdue(silent)
    if turn_is_due:
        return TurnDue(work.conversation.unanswered[0])
    return keep_files.due(work.conversation, now)


async def _do(desk: Desk, work: Work, due: Due) -> None:
    match due:
        case Arrived(_, item):
            await _take_in(desk, work, item)
        case TurnDue():
            await converse.converse(desk, work)
        case Ready(delivery):
            await deliver.deliver(desk, work, delivery)
        case Overdue(delivery):
            await watch.look(desk, work, delivery)
        case WantedFile() as file:
            await keep_files.keep_file(desk, work, file)


async def _take_in(desk: Desk, work: Work, item: Item) -> None:
    match item:
        case Received():
            await intake.intake(desk, work, item)
            await reconcile.heard(desk, work, item)
        case Reported():
            await reconcile.reconcile(desk, work, item)
        case Command():
            await _obey(desk, work, item)


async def _obey(desk: Desk, work: Work, command: Command) -> None:
    """What the vendor, an integrator or the shopper's page asks of the conversation."""
    conversation, now = work.conversation, desk.clock.now()
    match command.name:
        case "say":
            reply = Reply(
                command.argument("text") or "", Purpose.VENDOR, author="vendor"
            )
            work.conversation = speaking.say(replace(conversation, person=None), reply, now)
        case "order_placed" | "order_updated":
            work.conversation = tell_orders.obey(conversation, command, now)
        case collect.NAME:
            collect.obey(work, command, now)
        case "take_over":
            if not conversation.human:
                work.conversation = replace(
                    conversation, human=True, human_since=now, person=None, unanswered=()
                )
                work.event("conversation.handed_over", now, command.id, to="human")
        case "release":
            if conversation.human:
                back = Reply(
                    wording.given_back(conversation.customer.language), author="system"
                )
                work.conversation = speaking.say(
                    replace(conversation, human=False, human_since=None, person=None), back, now
                )
                work.event("conversation.handed_over", now, command.id, to="bot")
        case parking.AGAIN:
            work.conversation = parking.obey_again(desk.codec, conversation, command)
        case nudge.NAME:
            work.conversation = nudge.obey(conversation, command, now)
        case "erase":
            await desk.files.forget(work.lane)
            await parking.forget(desk, work)
            work.conversation = erasing.blank(conversation)
        case "page_started":
            intake.start_page(work, command.argument("address") or "", now)
        case "reach_out":
            await reach_out.obey(desk, work, command, now)
        case "restored":
            pass  # being looked at is all it asks for
        case "page_seen":
            work.conversation = _page_seen(conversation, now)
        case "blocked" | "unblocked":
            address = parse(command.argument("address") or "")
            if address is not None:
                customer = conversation.customer.barred(address, command.name == "blocked")
                work.conversation = replace(conversation, customer=customer)
                work.event(f"customer.{command.name}", now, command.id, address=str(address))
        case shutting_out.SHUT_OUT | shutting_out.LET_IN:
            shutting_out.obey(work, command, now)
        case _:
            work.event(
                "conversation.command_ignored", now, command.id, name=command.name
            )


def _page_seen(conversation: Conversation, now: float) -> Conversation:
    """The page is open: it is a road now, and what waited on it has been shown."""
    if conversation.page is None:
        return conversation
    page = replace(
        conversation.page, opened_at=conversation.page.opened_at or now, seen_at=now
    )
    shown = tuple(
        d.reported(MessageStatus.DELIVERED, now)
        if d.channel is ChannelName.WEB and d.status is MessageStatus.ACCEPTED
        else d
        for d in conversation.deliveries
    )
    return replace(conversation, page=page, deliveries=shown)


async def load(desk: Desk, lease: Lease) -> Work | None:
    """Decode the lane. None: there is nothing to do here: what it holds belongs to another, or to nobody."""
    items: list[tuple[str, Item]] = [
        (key, desk.codec.decode_item(data)) for key, data in lease.items
    ]
    conversation = (
        desk.codec.decode_conversation(lease.state) if lease.state is not None else None
    )
    committed = conversation
    again: frozenset[str] = frozenset()
    if conversation is None:
        known = await desk.records.latest(lease.lane)
        elsewhere = await rebuild.lives_elsewhere(desk, lease.lane, (item for _, item in items), known)
        if elsewhere is None and known is None:
            elsewhere = await _found_by_phone(desk, lease.lane, items)
        if elsewhere is not None:
            # Given back unchanged, the lane moves with all that waits in it.
            await desk.lanes.forward(lease.lane, elsewhere)
            await desk.lanes.release(lease, due_in=0.0)
            return None
        if known is None:
            conversation = _first(lease, items)
        else:
            conversation, again = await rebuild.rebuilt(desk, known, lease.now)
    if conversation is None:
        # A status or a command for somebody who is not there (any more): nothing will ever be done with it.
        handled = tuple(key for key, _ in items)
        await desk.lanes.commit(lease, Commit(state=b"", handled=handled, due_at=None))
        return None
    shop = await desk.shops.get(conversation.shop_id)
    if shop is None:
        await desk.lanes.release(lease, due_in=30.0)
        return None
    work = Work(lease, shop, _after_crash(conversation), items, committed)
    for key in [key for key, item in items if isinstance(item, Received) and item.id in again]:
        work.done(key)
    return work


async def _found_by_phone(desk: Desk, lane: LaneId, items: list[tuple[str, Item]]) -> LaneId | None:
    """Where the shopper of an unused lane has a conversation already."""
    first = next((item for _, item in items if isinstance(item, Received)), None)
    return None if first is None else await linking.home_by_phone(desk, lane, first)


def _first(lease: Lease, items: list[tuple[str, Item]]) -> Conversation | None:
    """The record of a new shopper, from the first thing heard of them."""
    for _, item in items:
        if isinstance(item, Received):
            return intake.new_conversation(
                lease.lane, item.shop_id, item.channel, lease.now
            )
        if isinstance(item, Command) and item.name == "page_started":
            shop = item.argument("shop")
            if shop is not None:
                return intake.new_conversation(
                    lease.lane, ShopId(shop), ChannelName.WEB, lease.now
                )
        if isinstance(item, Command) and (begun := tell_orders.first_of(item)):
            return intake.new_conversation(lease.lane, *begun, lease.now)
    return None


def _after_crash(conversation: Conversation) -> Conversation:
    """An attempt that was started and never ended has an unknown outcome."""
    if not any(d.status is MessageStatus.SENDING for d in conversation.deliveries):
        return conversation
    deliveries = tuple(
        replace(d, status=MessageStatus.UNKNOWN, reason="worker_died")
        if d.status is MessageStatus.SENDING
        else d
        for d in conversation.deliveries
    )
    return replace(conversation, deliveries=deliveries)
