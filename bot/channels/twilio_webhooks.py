"""Twilio's webhooks: signature, form, status callbacks. Pure functions, shared by WhatsApp and SMS.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from bot.channels.accounts import TwilioAccount
from bot.channels.webhooks import Forbidden, Ignored, Malformed, Parsed, Reading, WebhookRequest
from bot.core.addresses import ShopId
from bot.core.messages import Attachment, MessageId, MessageStatus, Received, Reported
from bot.core.tokens import lane_of_message

MAX_FIELDS = 500
OVERRIDES = "rc=3&rp=ct,rt,5xx"
"""Twilio retries webhooks on connect failure only, unless the fragment of the URL says more."""
MOST_MEDIA = 10

Form = Mapping[str, str]

_STATUSES = {
    "accepted": MessageStatus.ACCEPTED,
    "scheduled": MessageStatus.ACCEPTED,
    "queued": MessageStatus.ACCEPTED,
    "sending": MessageStatus.ACCEPTED,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}


def status_of(word: str) -> MessageStatus:
    """Twilio's word as ours; an unknown one is UNKNOWN."""
    return _STATUSES.get(word.lower(), MessageStatus.UNKNOWN)


def sign(auth_token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """Return ``X-Twilio-Signature`` for a form posted to ``url`` (with its query, without its fragment)."""
    return _sign(auth_token, (url + _signed(fields)).encode())


def _signed(fields: Iterable[tuple[str, str]]) -> str:
    """What Twilio signs of a form: a name that comes several times contributes its distinct values, sorted."""
    return "".join([name + value for name, value in sorted(set(fields))])


def _sign(auth_token: str, words: bytes) -> str:
    return base64.b64encode(hmac.digest(auth_token.encode(), words, "sha1")).decode()


def read_form(request: WebhookRequest, auth_tokens: Sequence[str], public_url: str) -> Form | Forbidden:
    """The form of an authentic request; of repeated names the last value.

    The URL comes from configuration, never from the Host header. Blank values are kept: Twilio signs them.
    """
    try:
        fields = form_fields(request.body.decode())
    except ValueError:
        return Forbidden("body is no form")
    given = request.headers.get("x-twilio-signature", "").encode()
    rest = (request.path_and_query + _signed(fields)).encode()
    good = False
    for base in _spellings(public_url):
        for token in auth_tokens:
            # No early exit: the time taken must not tell which token or spelling matched.
            good |= hmac.compare_digest(_sign(token, base + rest).encode(), given)
    return dict(fields) if good else Forbidden("bad signature")


def form_fields(text: str) -> list[tuple[str, str]]:
    """``parse_qsl`` with blank values kept, in a third of its time. Raises ValueError over MAX_FIELDS fields."""
    if text.count("&") >= MAX_FIELDS:
        raise ValueError("too many fields")
    pairs = [part.partition("=") for part in text.replace("+", " ").split("&") if part]
    return [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]


def _unquoted(text: str) -> str:
    return unquote(text) if "%" in text else text


@lru_cache(maxsize=16)
def _spellings(public_url: str) -> tuple[bytes, ...]:
    """Our address with and without its port: Twilio signs either, as its own validator allows for."""
    url = public_url.rstrip("/")
    parts = urlsplit(url)
    if parts.hostname is None:
        return (url.encode(),)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    others = (urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{port}"))
    return tuple(spelling.encode() for spelling in dict.fromkeys((url, *others)))


def check_recipient(form: Form, account: TwilioAccount) -> Forbidden | None:
    """Refuse what was signed with the right token but is meant for another account or sender."""
    if form.get("AccountSid") != account.account_sid:
        return Forbidden("another AccountSid")
    if form.get("To", "").removeprefix("whatsapp:") != account.bare_address:
        return Forbidden("another To")
    return None


def message_sid(form: Form) -> str:
    """The message's id, or an empty text."""
    return form.get("MessageSid") or form.get("SmsSid") or ""


def caught_up(found: Sequence[Received | None], forms: Sequence[Form]) -> list[Received]:
    """Mark what the listing found, with the time Twilio says it was sent (``DateSent``, Unix seconds)."""
    return [
        replace(message, written_at=float(form["DateSent"]), caught_up=True)
        for message, form in zip(found, forms, strict=True)
        if message is not None
    ]


def status_callback(public_url: str, shop: ShopId | str, message_id: MessageId) -> str:
    """The address Twilio reports one message's statuses to; our id travels in it."""
    base = public_url.rstrip("/")
    return f"{base}/webhooks/twilio-status/{quote(shop, safe='')}?m={quote(message_id, safe='')}#{OVERRIDES}"


def read_status(request: WebhookRequest, accounts: Sequence[TwilioAccount], public_url: str) -> Reading:
    """Read a status callback of any of the shop's Twilio accounts."""
    tokens = [token for account in accounts for token in account.auth_tokens]
    form = read_form(request, tokens, public_url)
    if isinstance(form, Forbidden):
        return form
    if form.get("AccountSid") not in {account.account_sid for account in accounts}:
        return Forbidden("another AccountSid")
    sid = message_sid(form)
    if not sid:
        return Malformed("no MessageSid")
    word = form.get("MessageStatus") or form.get("SmsStatus")
    if not word:
        return Ignored("callback without MessageStatus")
    code = form.get("ErrorCode") or None
    query = dict(parse_qsl(urlsplit(request.path_and_query).query))
    named = query.get("m", "")
    return Parsed((
        Reported(
            id=":".join(filter(None, ("twst", sid, word, code))),
            message_id=MessageId(named) if lane_of_message(named) else None,
            provider_id=sid,
            status=status_of(word),
            at=request.received_at,
            error_code=code,
            raw_status=word,
        ),
    ))


def media(form: Form) -> tuple[Attachment, ...]:
    """The files of an inbound message."""
    count = form.get("NumMedia", "")
    files = min(int(count), MOST_MEDIA) if count.isascii() and count.isdigit() else 0
    return tuple(
        Attachment(
            kind=_kind(form.get(f"MediaContentType{index}", "")),
            url=form.get(f"MediaUrl{index}") or None,
            content_type=form.get(f"MediaContentType{index}") or None,
        )
        for index in range(files)
    )


def _kind(content_type: str) -> str:
    family = content_type.partition("/")[0]
    if "vcard" in content_type:
        return "contact"
    return family if family in {"image", "audio", "video"} else "document"


def opt_out(form: Form) -> str | None:
    """STOP or START where Twilio's Advanced Opt-Out matched the word."""
    word = form.get("OptOutType", "").upper()
    return word if word in {"STOP", "START"} else None
