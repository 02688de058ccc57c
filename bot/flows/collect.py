"""Paying by link: an order gets its provider's checkout, the chat gets the link, and a lost callback is asked after.

It runs beside the lanes, never in one: a provider that hangs holds up nobody's conversation. The link is put into the
lane like any message, so it follows the shopper over whatever road is open.
"""

from __future__ import annotations

import asyncio

import structlog

from bot.core import speaking, wording
from bot.core.addresses import LaneId, ShopId
from bot.core.messages import Command, Purpose, Reply
from bot.core.payments import (
    A_PERSON,
    TRIES,
    TRY_AGAIN,
    Checkout,
    CheckoutStatus,
    NoSession,
    Session,
    Settled,
    next_look,
)
from bot.flows.desk import Work
from bot.flows.hand_over import hand_over
from bot.flows.receive import put_item
from bot.ports import CheckoutProviders, Checkouts, Clock, Codec, Lanes, Settling

log = structlog.get_logger()

NAME = "payment_link"
MOST = 16
"""Checkouts in work at once: as many calls in flight at most, each ended by its own time-out (5 s)."""
IDLE_SECONDS = 0.5
CRASHED_SECONDS = 30.0
"""After so long a link is asked for again, when the one that asked has died."""


class Collector:
    """The job. Every method may raise Unavailable."""

    def __init__(
        self,
        checkouts: Checkouts,
        settling: Settling,
        providers: CheckoutProviders,
        lanes: Lanes,
        codec: Codec,
        clock: Clock,
    ) -> None:
        self._checkouts, self._settling, self._providers = checkouts, settling, providers
        self._lanes, self._codec, self._clock = lanes, codec, clock

    async def once(self) -> int:
        """Do what is due now; how much that was."""
        begun = await self._checkouts.begin(self._clock.now())
        due = await self._checkouts.due(self._clock.now(), MOST)
        done = await asyncio.gather(*(self._one(checkout) for checkout in due), return_exceptions=True)
        for trouble in done:
            if isinstance(trouble, BaseException):
                raise trouble
        return begun + len(due)

    async def run(self, stop: asyncio.Event) -> None:
        """Collect for ever; the caller tries again."""
        while not stop.is_set():
            if not await self.once():
                await self._clock.sleep(IDLE_SECONDS)

    async def _one(self, checkout: Checkout) -> None:
        if checkout.status is CheckoutStatus.WANTED:
            await self._open(checkout)
        elif checkout.tell is not None:
            await self._tell(checkout)
        else:
            await self._look(checkout)

    async def _open(self, checkout: Checkout) -> None:
        """Ask for the link; an answer that was lost is had again by asking again (the id is the idempotency key)."""
        provider = self._providers.of(ShopId(checkout.shop_id), checkout.provider)
        if provider is None:
            await self._checkouts.failed(checkout, "no account", self._clock.now())
            return
        last = checkout.attempts + 1 >= TRIES
        wait = TRY_AGAIN * (checkout.attempts + 1)
        await self._checkouts.leaves(checkout, self._clock.now() + CRASHED_SECONDS)
        match await provider.open(checkout):
            case Session() as session:
                await self._checkouts.opened(checkout, session, self._clock.now())
            case NoSession(reason, again):
                log.warning("payment.no_link", shop=checkout.shop_id, provider=checkout.provider, reason=reason)
                if last or not again:
                    await self._checkouts.failed(checkout, reason, self._clock.now())
                else:
                    await self._checkouts.waits(checkout, self._clock.now() + wait)

    async def _tell(self, checkout: Checkout) -> None:
        """Into the lane, once for what asked for it: the command's id is made of both."""
        given = {
            "shop": checkout.shop_id,
            "number": checkout.number,
            "provider": checkout.provider,
            "amount_xof": str(checkout.amount_xof),
        }
        if checkout.tell == A_PERSON:
            given["person"] = "yes"
        elif checkout.status is CheckoutStatus.OPEN and checkout.link:
            given["link"] = checkout.link
            if checkout.expires_at is not None:
                given["expires_at"] = str(checkout.expires_at)
        else:
            given |= await self._checkouts.by_hand(checkout)
        command = Command(f"pay:{checkout.id}:{checkout.tell}", NAME, self._clock.now(), tuple(given.items()))
        await put_item(self._lanes, self._codec, LaneId(checkout.conversation_id), command)
        await self._checkouts.told(checkout, self._clock.now())

    async def _look(self, checkout: Checkout) -> None:
        """Nothing was heard: what does the provider's own record say?"""
        wait = next_look(checkout.attempts + 1)
        await self._checkouts.leaves(checkout, None if wait is None else self._clock.now() + wait)
        provider = self._providers.of(ShopId(checkout.shop_id), checkout.provider)
        if provider is None or checkout.session_id is None:
            return
        match await provider.look(checkout.session_id):
            case Session() as session:
                settled = await self._settling.settle(checkout.shop_id, checkout.provider, session)
                if settled is Settled.PAID:
                    log.warning("payment.callback_lost", shop=checkout.shop_id, provider=checkout.provider)
            case NoSession(reason):
                log.warning("payment.no_look", shop=checkout.shop_id, provider=checkout.provider, reason=reason)


def obey(work: Work, command: Command, now: float) -> None:
    """``payment_link`` within the lane: say the link, or without one how to pay by hand, or who looks at the money."""
    number, provider = command.argument("number") or "", command.argument("provider") or ""
    amount, link = int(command.argument("amount_xof") or 0), command.argument("link")
    language = work.conversation.customer.language
    if command.argument("person") is not None:
        text = wording.payment_to_check(number, provider, language)
        hand_over(work, now, command.id)
    elif link is not None:
        text = wording.payment_link(number, amount, provider, link, language)
    else:
        to, instructions = command.argument("to") or "", command.argument("instructions") or ""
        text = wording.payment_by_hand(number, amount, provider, to, instructions, language)
    expires = command.argument("expires_at")
    reply = Reply(
        text, Purpose.STATUS_CHANGE, author="system", expires_at=None if expires is None else float(expires)
    )
    work.conversation = speaking.say(work.conversation, reply, now)
