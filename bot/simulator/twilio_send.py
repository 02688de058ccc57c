"""Checks of `POST Messages.json`, in the order and with the codes of the real API, and the new message.

Parameters: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.simulator.accounts import Sender
from bot.simulator.content import Templates
from bot.simulator.phones import Card, TwilioMessage, World
from bot.simulator.segments import count_segments
from bot.simulator.twilio_errors import invalid

BODY_LIMIT = 1600
VALIDITY_LIMIT = 36_000

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_ALPHA = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """A create request's form, by single value."""

    form: Form

    def get(self, name: str) -> str | None:
        """Return the parameter's last value, or None when it is missing or empty."""
        values = self.form.get(name)
        return values[-1] if values and values[-1] != "" else None


def new_message(world: World, templates: Templates, account_sid: str, form: Form) -> TwilioMessage:
    """Check a create request and build its message; raises TwilioError as the API would answer."""
    request = Request(form)
    to = request.get("To")
    if to is None:
        raise invalid(21604)
    channel = "whatsapp" if to.startswith("whatsapp:") else "sms"
    if not _valid_recipient(to):
        raise invalid(21211, f"The 'To' number {to} is not a valid phone number.")
    service = request.get("MessagingServiceSid")
    if service is not None and not _SERVICE.fullmatch(service):
        raise invalid(21701, "The Messaging Service does not exist")
    sender = _sender(world.account(account_sid), request.get("From"), service, channel)
    if sender.address == to:
        raise invalid(21266)
    body = request.get("Body") or ""
    media = [url for url in form.get("MediaUrl", ()) if url]
    card = _card(templates, account_sid, request, channel)
    if not body.strip() and not media and card is None:
        raise invalid(21602)
    if len(body) > BODY_LIMIT:
        raise invalid(21617)
    if len(media) > 10 or any(urlsplit(url).scheme not in {"http", "https"} for url in media):
        raise invalid(21620)
    callback = request.get("StatusCallback")
    if callback is not None and not _valid_callback(callback):
        raise invalid(21609, f"The StatusCallback URL {callback} is not a valid URL.")
    if (sender.address, to) in world.opted_out:
        raise invalid(21610)
    text = card.body if card is not None else body
    person = world.person_at(to)
    return TwilioMessage(
        sid=world.ids.sid("MM" if media or card is not None else "SM"),
        account_sid=account_sid, shop_id=sender.shop_id, channel=channel, direction="outbound-api",
        sender=sender.address, to=to, body=text, status=_first_status(request, service),
        created=world.clock.now(), person_id=person.id if person is not None else None,
        num_segments=count_segments(text) if channel == "sms" else 1,
        messaging_service_sid=service, media=[(url, _guess_type(url)) for url in media],
        status_callback=callback, validity=_validity(request), card=card,
        extra={"PersistentAction": action} if (action := request.get("PersistentAction")) else {},
    )


def _valid_recipient(to: str) -> bool:
    if to.startswith("whatsapp:"):
        address = to.removeprefix("whatsapp:")
        return bool(_E164.fullmatch(address) or _BSUID.fullmatch(address))
    return bool(_E164.fullmatch(to))


def _sender(senders: Sequence[Sender], given: str | None, service: str | None, channel: str) -> Sender:
    if given is None:
        if service is None:
            raise invalid(21603)
        pool = [s for s in senders if s.channel == channel]
        if not pool:
            raise invalid(21703, "The Messaging Service does not have a phone number available")
        return pool[0]
    given_channel = "whatsapp" if given.startswith("whatsapp:") else "sms"
    if given_channel != channel:
        raise invalid(21910)
    found = next((s for s in senders if s.address == given), None)
    if found is not None:
        return found
    if channel == "whatsapp":
        raise invalid(63007)
    if _E164.fullmatch(given) or _ALPHA.fullmatch(given):
        raise invalid(21606, f"The 'From' phone number {given} is not a valid, SMS-capable inbound phone "
                             "number for your account.")
    raise invalid(21212, f"The 'From' number {given} is not a valid phone number, shortcode, or "
                         "alphanumeric sender ID.")


def _card(templates: Templates, account_sid: str, request: Request, channel: str) -> Card | None:
    sid, variables = request.get("ContentSid"), request.get("ContentVariables")
    if sid is None:
        if variables is not None:
            raise invalid(21654)
        return None
    return templates.render(account_sid, sid, variables, channel)


def _valid_callback(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host


def _validity(request: Request) -> float:
    text = request.get("ValidityPeriod")
    if text is None:
        return float(VALIDITY_LIMIT)
    if not text.isdigit() or not 1 <= int(text) <= VALIDITY_LIMIT:
        raise invalid(20001, f"ValidityPeriod must be between 1 and {VALIDITY_LIMIT} seconds")
    return float(text)


def _first_status(request: Request, service: str | None) -> str:
    if request.get("ScheduleType") == "fixed" and request.get("SendAt"):
        return "scheduled"
    return "accepted" if service is not None else "queued"


def _guess_type(url: str) -> str:
    path = urlsplit(url).path.lower()
    types = {".png": "image/png", ".webp": "image/webp", ".pdf": "application/pdf", ".mp4": "video/mp4"}
    return next((kind for end, kind in types.items() if path.endswith(end)), "image/jpeg")
