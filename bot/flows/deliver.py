"""Send the first waiting reply: choose the road now, render it now, write down the attempt, call, write the outcome."""

from __future__ import annotations

from dataclasses import replace

from bot.core import failover, gsm7, health, moving, rendering, speaking, wording
from bot.core.addresses import Address, ChannelName, Scheme
from bot.core.conversations import PAGE_SECONDS, Conversation, Page
from bot.core.customers import KnownAddress, Proof
from bot.core.deliveries import Delivery
from bot.core.failover import Drop, Hold, Send
from bot.core.failures import Accepted, Outcome, Refused, Unsure
from bot.core.health import PROBE_EVERY, AccountHealth, Kind, State, rate
from bot.core.messages import MessageStatus, Part, Purpose, Rendered
from bot.flows import reconcile, spending
from bot.flows.desk import Desk, NoPermit, Work, channel_health, commit, states_of
from bot.ports import Channel, Outgoing

PATIENCE = 12.0
SUSPECT_PATIENCE = 5.0
PAGE_PATIENCE = 120.0
VALIDITY = 60
ORDER_VALIDITY = 600


async def deliver(desk: Desk, work: Work, delivery: Delivery) -> None:
    """One waiting reply takes one step: sent, held, dropped, or absorbed by the notice of a move."""
    now = desk.clock.now()
    known = await channel_health(desk, work.shop)
    states = states_of(known)
    decision = failover.choose(work.conversation, delivery, work.shop, states, now)
    here = work.conversation.channel
    if isinstance(decision, Send) and decision.moves and states.get(here) is State.DOWN:
        probe = await _fresh_probe(desk, work, delivery, now)
        decision = probe or decision
    match decision:
        case Drop(reason):
            work.conversation = work.conversation.with_delivery(
                replace(
                    delivery, status=MessageStatus.EXPIRED, reason=reason, ended_at=now
                )
            )
        case Hold(_, _, Send() as probe) if await _may_probe(desk, work, probe.channel):
            if delivery.moves_from is probe.channel:
                delivery = moving.unpacked(work.conversation, delivery)
            await _send(desk, work, replace(delivery, probe=True), probe, states)
        case Hold(reason, until):
            _hold(work, delivery, reason, until, now)
        case Send(moves=True) as road:
            work.conversation, notice = moving.with_notice(work.conversation, work.shop, now)
            await _send(desk, work, notice, road, states)
        case Send() as road:
            wait = await _slow_start(desk, work, road.channel, known.get(road.channel), now)
            if wait:
                later = replace(delivery, not_before=now + wait)
                work.conversation = work.conversation.with_delivery(later)
                return
            if delivery.moves_from is road.channel:
                delivery = moving.unpacked(work.conversation, delivery)
            await _send(desk, work, delivery, road, states)


def count_move(work: Work, now: float) -> None:
    """The notice of a move has left: only now the conversation is on the new channel."""
    channel, old = moving.left(work.conversation), work.conversation.channel
    if channel is None:
        return
    work.conversation = moving.move(work.conversation, channel, now)
    epoch = work.conversation.epoch
    work.event("conversation.moved", now, str(epoch), epoch=epoch, old=old, new=channel)


async def _fresh_probe(
    desk: Desk, work: Work, delivery: Delivery, now: float
) -> Send | None:
    """The reply to someone who just wrote on a dead channel may try it, one in 15 s over all conversations."""
    here = work.conversation.channel
    heard = work.conversation.heard_at.get(here)
    known = next(iter(work.conversation.customer.on(here)), None)
    fresh = heard is not None and now - heard <= failover.FRESH_SECONDS
    if (
        not fresh
        or known is None
        or here in delivery.avoid
        or not await _may_probe(desk, work, here)
    ):
        return None
    return Send(here, known, "probe", moves=False)


async def _may_probe(desk: Desk, work: Work, channel: ChannelName) -> bool:
    account = desk.channels.of(work.shop.id, channel)
    return account is not None and await desk.board.may_probe(
        account.account, PROBE_EVERY
    )


async def _slow_start(
    desk: Desk, work: Work, channel: ChannelName, known: AccountHealth | None, now: float
) -> float:
    """A channel that is recovering carries few messages a second at first: seconds to wait for a place, 0 for now."""
    account = desk.channels.of(work.shop.id, channel)
    if account is None or known is None or known.state is not State.RECOVERING:
        return 0.0
    gap = 1 / rate(known.since, now)
    return 0.0 if await desk.board.may_probe(f"rate:{account.account}", gap) else gap


def _hold(
    work: Work, delivery: Delivery, reason: str, until: float, now: float
) -> None:
    """Keep it for the next try. After 2 minutes without a road the shopper goes on the call list."""
    held = replace(
        delivery, status=MessageStatus.HELD, reason=reason, not_before=until, avoid=()
    )
    work.conversation = work.conversation.with_delivery(held)
    if delivery.status is not MessageStatus.HELD:
        work.event("message.held", now, delivery.id, message_id=delivery.id, channel=work.conversation.channel, reason=reason)
    if (
        now - delivery.since >= failover.CALL_LIST_SECONDS
        and not work.conversation.unreachable_told
    ):
        to_be_called(work, f"{work.conversation.epoch}:{delivery.id}", reason, now)


def to_be_called(work: Work, cause: str, reason: str, now: float, matter: str = "") -> None:
    """Put the shopper on the vendor's call list, with what to say. ``matter``: what it is about beside the basket."""
    conversation, shop = work.conversation, work.shop
    work.conversation = replace(conversation, unreachable_told=True)
    phones = [k.address.msisdn for k in conversation.customer.addresses if k.address.msisdn]
    basket = wording.basket_line(conversation.basket)
    name = conversation.basket.checkout.name or conversation.customer.name
    question = conversation.question
    about = (matter, basket, question.text if question is not None else "")
    work.event(
        "conversation.unreachable",
        now,
        cause,
        phone=phones[0] if phones else conversation.basket.checkout.phone,
        basket=basket,
        say=wording.call_script(shop.name, name, conversation.channel, about),
        reason=reason,
    )


async def _send(
    desk: Desk,
    work: Work,
    delivery: Delivery,
    road: Send,
    states: dict[ChannelName, State],
) -> None:
    channel = desk.channels.of(work.shop.id, road.channel)
    assert channel is not None
    with desk.permits.one(channel.account) as granted:
        if not granted:
            raise NoPermit(channel.account)
        under_way = road.moves or work.conversation.leaving is not None
        delivery = replace(delivery, epoch=work.conversation.epoch + under_way)
        rendered = await _render(desk, work, delivery, channel)
        now = desk.clock.now()
        cost_xof = spending.cost(work.shop, road.channel, rendered)
        held = await spending.held(desk, work, delivery, cost_xof, now)
        if held is not None:
            _hold(work, delivery, *held, now)
            return
        delivery = replace(
            delivery,
            status=MessageStatus.SENDING,
            attempts=delivery.attempts + 1,
            channel=road.channel,
            started_at=now,
            text=rendered.text,
            cost_xof=cost_xof,
            patience=_patience(
                channel, states.get(road.channel, State.UP), delivery.probe
            ),
            reason=None,
        )
        work.conversation = _put(
            work.conversation.with_delivery(delivery), delivery, road.channel, rendered
        )
        await commit(desk, work, due_at=now, release=False)
        outcome = await _call(channel, delivery, road, rendered)
    await _apply(desk, work, delivery, outcome, channel)


def _put(
    conversation: Conversation,
    delivery: Delivery,
    channel: ChannelName,
    rendered: Rendered,
) -> Conversation:
    question = next(
        (q for q in conversation.questions if q.number == delivery.question), None
    )
    if question is None:
        return conversation
    return speaking.put_on(
        conversation, question, channel, rendered.put_as_choice or not question.choices
    )


def _patience(channel: Channel, state: State, probe: bool) -> float:
    if channel.name is ChannelName.WEB:
        return PAGE_PATIENCE
    if not channel.capabilities.receipts:
        return 0.0
    return SUSPECT_PATIENCE if state is State.SUSPECT and not probe else PATIENCE


async def _render(
    desk: Desk, work: Work, delivery: Delivery, channel: Channel
) -> Rendered:
    if channel.name is ChannelName.SMS and not channel.capabilities.two_way:
        return await _one_way(desk, work, delivery)
    question = delivery.question or 0
    lane, epoch = work.lane, delivery.epoch
    reply = delivery.reply
    if reply.image_url is not None:
        reply = replace(reply, image_url=desk.tokens.absolute(reply.image_url))
    return rendering.render(
        reply,
        channel.capabilities,
        lambda index: desk.tokens.sign_choice(lane, epoch, question, index),
    )


async def _one_way(desk: Desk, work: Work, delivery: Delivery) -> Rendered:
    """One segment that carries what matters, the shop's phone and, unless the country is cut off, the page's link."""
    cut_off = await _cut_off(desk)
    url = "" if cut_off else await offer_page(desk, work)
    conversation, reply = work.conversation, delivery.reply
    gone = delivery.moves_from or conversation.moved_from
    if reply.purpose in (Purpose.MOVE_NOTICE, Purpose.REACH_OUT) and gone is not None:
        language = conversation.customer.language
        reason = wording.cut_off(language) if cut_off else wording.short_reason(gone, language)
        words = wording.basket_line(conversation.basket, conversation.customer.language)
    else:
        reason, words = "", reply.text
    text = rendering.one_segment_notice(work.shop.name, reason, words, url, work.shop.phone)
    if reason and gsm7.to_gsm7(words).rstrip(".") not in text:
        # A basket that does not fit is summed up: half a line of it helps nobody.
        short = wording.basket_sum(conversation.basket, conversation.customer.language)
        text = rendering.one_segment_notice(work.shop.name, reason, short, url, work.shop.phone)
    return Rendered((Part(text, segments=1),), put_as_choice=False)


async def _cut_off(desk: Desk) -> bool:
    """Is the country's internet in doubt? A link that nobody can open takes the room of words that help."""
    key = health.domain_key(health.INTERNET)
    return (await desk.board.read([key]))[key].state is not State.UP


async def offer_page(desk: Desk, work: Work) -> str:
    """The shopper's page, the same for 72 h; its index lane forwards here before anybody gets the link."""
    now = desk.clock.now()
    page = work.conversation.page
    if page is None or page.expires_at <= now:
        serial, conversation = work.conversation.next_serial()
        page = Page(nonce=str(serial), expires_at=now + PAGE_SECONDS)
        web = KnownAddress(
            Address(Scheme.WEB, work.lane), work.lane, Proof.LINK, added_at=now
        )
        customer = conversation.customer.with_address(web)
        work.conversation = replace(conversation, page=page, customer=customer)
    token = desk.tokens.page_token(work.lane, page.nonce)
    await desk.lanes.forward(desk.tokens.page_lane(token), work.lane)
    return desk.tokens.page_url(token)


async def _call(
    channel: Channel, delivery: Delivery, road: Send, rendered: Rendered
) -> Outcome:
    """Send every part in order; the first that is not accepted ends it."""
    outcome: Outcome = Unsure("nothing to send")
    for part in rendered.parts:
        outcome = await channel.send(
            outgoing(delivery, road.to.reply_to, part, channel, road.template)
        )
        if not isinstance(outcome, Accepted):
            return outcome
    return outcome


def outgoing(
    delivery: Delivery,
    to: str,
    part: Part,
    channel: Channel,
    template: str | None = None,
) -> Outgoing:
    important = delivery.reply.purpose is Purpose.ORDER_CONFIRMATION
    validity = (
        (ORDER_VALIDITY if important else VALIDITY)
        if channel.capabilities.validity_period
        else None
    )
    news = template is not None and delivery.reply.purpose is Purpose.STATUS_CHANGE
    return Outgoing(
        delivery.id,
        to,
        part,
        validity_seconds=validity,
        template=template,
        # {{1}} of ``order_update``. WhatsApp refuses a variable with a line break.
        template_variables={"1": " ".join(part.text.split())} if news else {},
    )


async def _apply(
    desk: Desk, work: Work, delivery: Delivery, outcome: Outcome, channel: Channel
) -> None:
    now = desk.clock.now()
    match outcome:
        case Accepted(provider_id, final):
            status = MessageStatus.SENT if final else MessageStatus.ACCEPTED
            sent = replace(delivery.reported(status, now), provider_id=provider_id)
            work.conversation = replace(
                work.conversation.with_delivery(sent), unreachable_told=False
            )
            work.event(
                "message.sent",
                now,
                delivery.id,
                message_id=delivery.id,
                channel=delivery.channel,
            )
            if final and channel.name is not ChannelName.WEB:
                await reconcile.tell(desk, work, sent, Kind.WORKS, "accepted")
        case Refused(failure):
            await reconcile.failed(desk, work, delivery, failure, by_api=True)
        case Unsure(note):
            unknown = replace(delivery, status=MessageStatus.UNKNOWN, reason=note)
            work.conversation = work.conversation.with_delivery(unknown)
            await reconcile.tell(desk, work, unknown, Kind.FAULT, note, by_api=True)
