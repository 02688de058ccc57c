"""A provider's word on a message: joined to the record, told to the health board, and what follows from a failure.

A callback never sends: it changes the record, and the changed record makes a reply due again.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core import health, speaking
from bot.core.deliveries import Delivery
from bot.core.failures import Failure, Scope
from bot.core.health import AccountHealth, Evidence, Kind
from bot.core.messages import MessageStatus, Received, Reported
from bot.flows.desk import Desk, Work

STALE_SECONDS = 3600.0
MOST_ATTEMPTS = {
    Scope.RECIPIENT: 3,
    Scope.CONTENT: 3,
    Scope.WINDOW: 3,
    Scope.THROTTLE: 10,
    Scope.OURS: 10,
}
"""A wrong number or text is not tried for ever. What waits for a channel or an account waits until it expires."""


REACHED = frozenset({MessageStatus.DELIVERED, MessageStatus.READ})
LEFT = REACHED | {MessageStatus.SENT}


async def reconcile(desk: Desk, work: Work, reported: Reported, *, looked_up: bool = False) -> None:
    """Join one status. A status for an unknown message changes nothing.

    ``looked_up``: it comes from the provider's record, because no callback told us.
    """
    delivery = _find(work, reported)
    if delivery is None or delivery.channel is None:
        return
    if _only_its_picture(desk, work, delivery, reported):
        return
    now = desk.clock.now()
    joined = replace(
        delivery.reported(reported.status, now, reported.error_code),
        provider_id=delivery.provider_id or reported.provider_id,
    )
    if joined == delivery:
        return
    work.conversation = work.conversation.with_delivery(joined)
    if joined.status is delivery.status:
        return
    await _callbacks(desk, work, delivery, joined, looked_up)
    if joined.status in REACHED:
        if delivery.status not in REACHED:
            await tell(desk, work, joined, Kind.WORKS, joined.status.value)
    elif joined.status is MessageStatus.SENT:
        if delivery.doubted:
            await tell(desk, work, joined, Kind.SENT, "late")
    elif joined.status is MessageStatus.FAILED:
        channel = desk.channels.of(work.shop.id, delivery.channel)
        if channel is not None:
            await failed(
                desk, work, joined, channel.classify(reported.error_code or "")
            )


def _find(work: Work, reported: Reported) -> Delivery | None:
    by_id = (
        work.conversation.delivery(reported.message_id) if reported.message_id else None
    )
    if by_id is not None:
        return by_id
    same = (
        d for d in work.conversation.deliveries if d.provider_id == reported.provider_id
    )
    return next(same, None)


def _only_its_picture(desk: Desk, work: Work, delivery: Delivery, reported: Reported) -> bool:
    """Is it a refusal of the picture that went before the words, in a message of its own? The words need no repeat."""
    apart = None not in (delivery.reply.image_url, delivery.provider_id) and reported.provider_id != delivery.provider_id
    if not apart or reported.status is not MessageStatus.FAILED or delivery.channel is None:
        return False
    channel = desk.channels.of(work.shop.id, delivery.channel)
    return channel is not None and channel.classify(reported.error_code or "").scope is Scope.CONTENT


async def failed(
    desk: Desk, work: Work, delivery: Delivery, failure: Failure, *, by_api: bool = False
) -> None:
    """What a refusal leads to: evidence if the channel is at fault, and the same reply by the next road."""
    now = desk.clock.now()
    delivery = replace(
        delivery,
        status=MessageStatus.FAILED,
        error_code=failure.code,
        reason=failure.scope.value,
        ended_at=now,
    )
    work.conversation = work.conversation.with_delivery(delivery)
    work.event(
        "message.failed",
        now,
        delivery.id,
        message_id=delivery.id,
        channel=delivery.channel,
        code=failure.code,
    )
    if failure.scope is Scope.CHANNEL:
        await tell(desk, work, delivery, Kind.FAULT, failure.code, by_api=by_api)
    elif failure.scope is Scope.SENDER:
        await tell(desk, work, delivery, Kind.BROKEN, failure.code)
    waits = failure.scope in (Scope.CHANNEL, Scope.SENDER)
    stale = not waits and now - delivery.since > STALE_SECONDS
    tired = not waits and delivery.attempts >= MOST_ATTEMPTS[failure.scope]
    if delivery.superseded_by or stale:
        return
    if failure.scope is Scope.CONTENT and delivery.reply.image_url is not None:
        # A picture that a provider could not fetch or will not take: the words are sent at once, on the same road.
        if delivery.reply.text:
            work.conversation = speaking.repeat(work.conversation, delivery, now, avoid=False, pictured=False)
        return
    if tired:
        return
    same_road = failure.scope in (Scope.THROTTLE, Scope.OURS)
    work.conversation = speaking.repeat(
        work.conversation, delivery, now, avoid=not same_road
    )
    if same_road:
        again = next(
            d for d in work.conversation.deliveries if d.supersedes == delivery.id
        )
        wait = failure.retry_after or min(2.0**delivery.attempts, 30.0)
        work.conversation = work.conversation.with_delivery(
            replace(again, not_before=now + wait)
        )


async def tell(
    desk: Desk,
    work: Work,
    delivery: Delivery,
    kind: Kind,
    detail: str,
    *,
    by_api: bool = False,
    checked: bool = True,
) -> None:
    """Put one observation on the health board: on the account that carried the delivery, and on what it shares.

    ``by_api``: the provider's API itself refused or did not answer. ``checked``: see ``Evidence.checked``.
    """
    assert delivery.channel is not None
    channel = desk.channels.of(work.shop.id, delivery.channel)
    if channel is None:
        return
    evidence = Evidence(
        at=desk.clock.now(),
        kind=kind,
        recipient=desk.tokens.fingerprint(work.lane),
        detail=detail,
        began_at=delivery.started_at,
        sent_at=delivery.sent_at,
        checked=checked,
    )
    await desk.board.observe(channel.account, evidence)
    arrived = channel.capabilities.receipts
    shared = health.concerned(channel.domains, kind, by_api=by_api, arrived=arrived)
    for key in await _listening(desk, shared, kind):
        await desk.board.observe(key, replace(evidence, source=channel.account))


async def _listening(desk: Desk, keys: tuple[str, ...], kind: Kind) -> tuple[str, ...]:
    """Domains that want to hear it: good news only those in doubt, so that all is well costs nothing more."""
    if kind is not Kind.WORKS or not keys:
        return keys
    known = await desk.board.read(keys)
    return tuple(key for key in keys if not health.at_rest(known.get(key, AccountHealth())))


async def _callbacks(desk: Desk, work: Work, old: Delivery, new: Delivery, looked_up: bool) -> None:
    """Is our own way in open? A record that knows better than we do says no, a callback says yes."""
    assert new.channel is not None
    channel = desk.channels.of(work.shop.id, new.channel)
    if channel is None or not channel.capabilities.look_up or old.status is MessageStatus.UNKNOWN:
        return
    kind = Kind.FAULT if looked_up else Kind.WORKS
    for key in await _listening(desk, (health.domain_key(health.INGRESS),), kind):
        evidence = Evidence(
            at=desk.clock.now(),
            kind=kind,
            recipient=desk.tokens.fingerprint(work.lane),
            detail=f"record says {new.status.value}" if looked_up else "callback",
            began_at=new.started_at,
            source=channel.account,
        )
        await desk.board.observe(key, evidence)


async def heard(desk: Desk, work: Work, received: Received) -> None:
    """A shopper wrote: what is usual at this hour is learnt from it. What was found by listing says nothing."""
    channel = desk.channels.of(work.shop.id, received.channel)
    if channel is None or received.caught_up:
        return
    evidence = Evidence(received.received_at, Kind.HEARD, desk.tokens.fingerprint(work.lane))
    await desk.board.observe(channel.account, evidence)
