"""A provider's word on a message: joined to the record, told to the health board, and what follows from a failure.

A callback never sends: it changes the record, and the changed record makes a reply due again.
"""

from __future__ import annotations

from dataclasses import replace

from bot.core import speaking
from bot.core.deliveries import Delivery
from bot.core.failures import Failure, Scope
from bot.core.health import Evidence, Kind
from bot.core.messages import MessageStatus, Reported
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


async def reconcile(desk: Desk, work: Work, reported: Reported) -> None:
    """Join one status. A status for an unknown message changes nothing."""
    delivery = _find(work, reported)
    if delivery is None or delivery.channel is None:
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
    if joined.status in (MessageStatus.DELIVERED, MessageStatus.READ):
        await tell(desk, work, joined, Kind.WORKS, joined.status.value)
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


async def failed(desk: Desk, work: Work, delivery: Delivery, failure: Failure) -> None:
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
        await tell(desk, work, delivery, Kind.FAULT, failure.code)
    elif failure.scope is Scope.SENDER:
        await tell(desk, work, delivery, Kind.BROKEN, failure.code)
    waits = failure.scope in (Scope.CHANNEL, Scope.SENDER)
    stale = not waits and now - delivery.since > STALE_SECONDS
    tired = not waits and delivery.attempts >= MOST_ATTEMPTS[failure.scope]
    if delivery.superseded_by or stale or tired:
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
    desk: Desk, work: Work, delivery: Delivery, kind: Kind, detail: str
) -> None:
    """Put one observation on the health board of the account that carried the delivery."""
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
    )
    change = await desk.board.observe(channel.account, evidence)
    if change is not None:
        work.event(
            "channel.state_changed",
            change.at,
            f"{channel.account}:{change.at}",
            channel=delivery.channel,
            old=change.old,
            new=change.new,
            detail=detail,
        )
