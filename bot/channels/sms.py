"""SMS through Twilio: GSM-7, counted in segments. A one-way sender (an alphanumeric name) gets no answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.channels import twilio_webhooks as hooks
from bot.channels.accounts import TwilioAccount
from bot.channels.twilio_codes import classify
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import ChannelName, Scheme, ShopId, of_phone
from bot.core.failures import Failure, Outcome
from bot.core.messages import Capabilities, Received, Reported
from bot.ports import Outgoing

if TYPE_CHECKING:
    from bot.channels.twilio import TwilioApi

MAX_UNITS = 1530
"""Ten joined segments; Twilio takes 1600 characters and no more."""


class Sms:
    """A shop's SMS sender at Twilio. Implements ``ports.Channel``."""

    name = ChannelName.SMS
    domains: tuple[str, ...] = ("twilio",)

    def __init__(self, shop_id: ShopId, api: TwilioApi, public_url: str) -> None:
        self.shop_id = shop_id
        self.account = f"sms:{api.account.account_sid}:{api.account.bare_address}"
        self.capabilities = Capabilities(
            max_text=MAX_UNITS, gsm7=True, two_way=api.account.two_way, validity_period=True
        )
        self.price_xof = api.account.price_xof
        self._api = api
        self._public_url = public_url

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Send one text, as it was rendered."""
        fields: dict[str, Any] = {
            "to": recipient(outgoing.to),
            "from_": self._api.account.bare_address,
            "body": outgoing.part.text,
            "status_callback": hooks.status_callback(self._public_url, self.shop_id, outgoing.message_id),
        }
        if outgoing.validity_seconds is not None:
            fields["validity_period"] = outgoing.validity_seconds
        return await self._api.send(fields)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        """Twilio's record of one message, by sid or by recipient and text."""
        if provider_id is not None:
            return await self._api.look_up(provider_id, outgoing.message_id)
        return await self._api.search(recipient(outgoing.to), outgoing.part.text, outgoing.message_id)

    def classify(self, code: str) -> Failure:
        """What a code of a status callback means."""
        return classify(code)

    async def list_inbound(self, since: float) -> list[Received]:
        """Messages that came in since then, oldest first, for the catch-up. Raises Unavailable."""
        if not self.capabilities.two_way:
            return []
        forms = await self._api.list_inbound(since, self._api.account.bare_address)
        return hooks.caught_up([received(form, self.shop_id, self._api.now()) for form in forms], forms)

    async def probe(self) -> bool:
        """Does Twilio's API answer?"""
        return await self._api.probe()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()


def recipient(to: str) -> str:
    """A number as Twilio takes it, whichever address it was derived from."""
    return to.removeprefix("tel:").removeprefix("whatsapp:")


def read(request: WebhookRequest, account: TwilioAccount, public_url: str) -> Reading:
    """Verify and parse an inbound webhook."""
    form = hooks.read_form(request, account.auth_tokens, public_url)
    if isinstance(form, Forbidden):
        return form
    refused = hooks.check_recipient(form, account)
    if refused is not None:
        return refused
    if not hooks.message_sid(form):
        return Malformed("no MessageSid")
    if not form.get("From"):
        return Malformed("no From")
    message = received(form, request.shop_id, request.received_at)
    return Ignored("sender is no phone number") if message is None else Parsed((message,))


def received(form: Mapping[str, str], shop_id: ShopId, now: float) -> Received | None:
    """The message; None when nobody could be answered (a short code, an operator's name)."""
    address = of_phone(Scheme.TEL, form["From"])
    if address is None:
        return None
    return Received(
        id=f"tw:{hooks.message_sid(form)}",
        shop_id=shop_id,
        channel=ChannelName.SMS,
        address=address,
        reply_to=form["From"],
        received_at=now,
        text=form.get("Body", ""),
        attachments=hooks.media(form),
        opt_out=hooks.opt_out(form),
    )
