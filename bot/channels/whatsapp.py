"""WhatsApp through Twilio: what comes in, and sending text, buttons, lists, pictures and templates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.channels import twilio_webhooks as hooks
from bot.channels.accounts import TwilioAccount
from bot.channels.content import Content, ContentCache, content_of
from bot.channels.twilio_codes import classify
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import Address, ChannelName, Scheme, ShopId, parse
from bot.core.failures import Failure, Outcome, Refused
from bot.core.messages import Attachment, Capabilities, Part, Received, Reported
from bot.core.rendering import numbered
from bot.ports import Outgoing

if TYPE_CHECKING:
    from bot.channels.twilio import TwilioApi

MAX_TEXT = 1600
CREATE_SHARE = 0.4
"""How much of the time for a send the making of a Content resource may take."""

# Twilio's answer when a ContentSid is gone, or its variables are not what it expects.
_CONTENT_CODES = frozenset({"20404", "21654", "21655", "21656"})
_PLAIN_TYPES = frozenset({"", "text", "interactive", "button"})


class WhatsApp:
    """A shop's WhatsApp sender. Implements ``ports.Channel``."""

    name = ChannelName.WHATSAPP
    domains: tuple[str, ...] = ("meta", "twilio", "internet")
    capabilities = Capabilities(
        max_text=MAX_TEXT, max_choice_text=1024, max_buttons=3, max_button_title=20, max_list_rows=10,
        max_row_title=24, max_row_description=72, images=True, validity_period=True,
    )

    def __init__(self, shop_id: ShopId, api: TwilioApi, contents: ContentCache, public_url: str) -> None:
        self.shop_id = shop_id
        self.account = f"whatsapp:{api.account.account_sid}:{api.account.bare_address}"
        self._api = api
        self._contents = contents
        self._public_url = public_url

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message; buttons whose Content cannot be made go as numbered lines at once."""
        content = None if outgoing.template else content_of(outgoing.part)
        if content is None:
            return await self._api.send(self._fields(outgoing, outgoing.part.text))
        started = self._api.now()
        sid = await self._sid(content)
        left = max(self._api.timeout - (self._api.now() - started), 0.5)
        if sid is not None:
            fields = self._fields(outgoing, None)
            fields |= {"content_sid": sid, "content_variables": content.variables}
            outcome = await self._api.send(fields, left)
            if not (isinstance(outcome, Refused) and outcome.failure.code in _CONTENT_CODES):
                return outcome
            await self._contents.drop(self.account, content.shape)
            left = max(self._api.timeout - (self._api.now() - started), 0.5)
        return await self._api.send(self._fields(outgoing, as_numbers(outgoing.part)), left)

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
        to = f"whatsapp:{self._api.account.bare_address}"
        forms = await self._api.list_inbound(since, to)
        return hooks.caught_up([_received(form, self.shop_id, self._api.now()) for form in forms], forms)

    async def probe(self) -> bool:
        """Does Twilio's API answer?"""
        return await self._api.probe()

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _sid(self, content: Content) -> str | None:
        known = await self._contents.get(self.account, content.shape)
        if known is not None:
            return known
        made = await self._api.create_content(content.request, self._api.timeout * CREATE_SHARE)
        if not isinstance(made, str):
            return None
        await self._contents.put(self.account, content.shape, made)
        return made

    def _fields(self, outgoing: Outgoing, body: str | None) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "to": recipient(outgoing.to),
            "from_": f"whatsapp:{self._api.account.bare_address}",
            "status_callback": hooks.status_callback(self._public_url, self.shop_id, outgoing.message_id),
        }
        if outgoing.validity_seconds is not None:
            fields["validity_period"] = outgoing.validity_seconds
        if outgoing.template is not None:
            fields["content_sid"] = outgoing.template
            if outgoing.template_variables:
                variables = dict(outgoing.template_variables)
                fields["content_variables"] = json.dumps(variables, ensure_ascii=False)
            return fields
        if body:
            fields["body"] = body
        if outgoing.part.image_url is not None:
            fields["media_url"] = [outgoing.part.image_url]
        return fields


def recipient(to: str) -> str:
    """What Twilio is given: exactly what was received, else the address with its prefix."""
    return to if to.startswith("whatsapp:") else f"whatsapp:{to}"


def as_numbers(part: Part) -> str:
    """Buttons or rows as numbered lines, for want of Content; descriptions only where they fit."""
    titles = [title for _, title in part.buttons] or [title for _, title, _ in part.rows]
    full = [f"{title} - {more}" if more else title for _, title, more in part.rows] or titles
    text = numbered(part.text, full)
    return text if len(text) <= MAX_TEXT else numbered(part.text, titles)


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
    received = _received(form, request.shop_id, request.received_at)
    return Ignored("sender of an unknown form") if received is None else Parsed((received,))


def _received(form: Mapping[str, str], shop_id: ShopId, now: float) -> Received | None:
    """The message; None when its sender is no address. A hidden number leaves the opaque id as address."""
    sender = form["From"]
    address = parse(sender)
    if address is None or address.scheme is not Scheme.WHATSAPP:
        return None
    quoted = form.get("OriginalRepliedMessageSid") or None
    return Received(
        id=f"tw:{hooks.message_sid(form)}",
        shop_id=shop_id,
        channel=ChannelName.WHATSAPP,
        address=address,
        reply_to=sender,
        received_at=now,
        text=form.get("Body") or form.get("ButtonText") or form.get("ListTitle") or "",
        payload=form.get("ButtonPayload") or form.get("ListId") or None,
        quoted_provider_id=quoted,
        profile_name=form.get("ProfileName") or None,
        external_id=_external_id(form, address),
        attachments=_attachments(form),
        opt_out=hooks.opt_out(form),
    )


def _external_id(form: Mapping[str, str], address: Address) -> Address | None:
    given = form.get("ExternalUserId", "")
    external = parse(given if given.startswith("whatsapp:") else f"whatsapp:{given}") if given else None
    return external if external is not None and external != address and external.msisdn is None else None


def _attachments(form: Mapping[str, str]) -> tuple[Attachment, ...]:
    found = [*hooks.media(form)]
    latitude, longitude = _degrees(form.get("Latitude")), _degrees(form.get("Longitude"))
    if latitude is not None and longitude is not None:
        label = form.get("Label") or form.get("Address") or None
        found.append(Attachment("location", latitude=latitude, longitude=longitude, label=label))
    kind = form.get("MessageType", "")
    if not found and kind not in _PLAIN_TYPES:
        # A type this code does not know: kept under the provider's own word.
        found.append(Attachment(kind))
    return tuple(found)


def _degrees(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= 180 else None
