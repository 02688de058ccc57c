"""Signed words that travel through strangers' hands: choice payloads, Telegram links, page tokens. Pure HMAC.

Nothing here is random: nonces are numbers of the conversation, so a token can be derived again after a crash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from bot.core.addresses import LaneId, home_lane
from bot.core.messages import MessageId

_CHOICE_MAC = 9
_LINK_MAC = 15
_LANE_BYTES = 10


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads them with one secret (at least 32 bytes, ``RELAIS_SECRET``)."""

    secret: bytes = field(repr=False)
    public_url: str

    def _mac(self, purpose: str, *words: object) -> bytes:
        text = "\n".join([purpose, *(str(word) for word in words)])
        return hmac.digest(self.secret, text.encode(), hashlib.sha256)

    # choices: "<epoch>.<question>.<index>.<mac>", at most 34 bytes (Telegram allows 64)

    def sign_choice(self, lane: LaneId, epoch: int, question: int, index: int) -> str:
        mac = _b64(self._mac("choice", lane, epoch, question, index)[:_CHOICE_MAC])
        return f"{epoch}.{question}.{index}.{mac}"

    def read_choice(self, lane: LaneId, payload: str) -> tuple[int, int, int] | None:
        """(epoch, question number, index), or None for anything not signed for this conversation."""
        parts = payload.split(".")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts[:3]):
            return None
        epoch, question, index = (int(part) for part in parts[:3])
        good = self.sign_choice(lane, epoch, question, index)
        return (epoch, question, index) if hmac.compare_digest(good.encode(), payload.encode()) else None

    # Telegram links: 48 base64url characters of at most 64

    def link_token(self, lane: LaneId, nonce: str) -> str:
        """Token for ``t.me/<bot>?start=``; ``nonce`` is a decimal number below 2^32."""
        body = bytes.fromhex(lane) + int(nonce).to_bytes(4, "big")
        return _b64(body + self._mac("link", lane, nonce)[:_LINK_MAC])

    def read_link_token(self, token: str) -> tuple[LaneId, str] | None:
        raw = _unb64(token)
        if raw is None or len(raw) != _LANE_BYTES + 4 + _LINK_MAC:
            return None
        lane, nonce = LaneId(raw[:_LANE_BYTES].hex()), str(int.from_bytes(raw[_LANE_BYTES : _LANE_BYTES + 4], "big"))
        good = self._mac("link", lane, nonce)[:_LINK_MAC]
        return (lane, nonce) if hmac.compare_digest(good, raw[_LANE_BYTES + 4 :]) else None

    # pages: 128 bits, not self-describing; an index lane forwards to the conversation

    def page_token(self, lane: LaneId, nonce: str) -> str:
        return _b64(self._mac("page", lane, nonce)[:16])

    def page_lane(self, token: str) -> LaneId:
        """The index lane of a page token: it forwards to the conversation's lane."""
        return home_lane("", f"page:{token}")

    def absolute(self, address: str) -> str:
        """A path below our public address as anybody may fetch it; a whole address stays."""
        return f"{self.public_url}{address}" if address.startswith("/") else address

    def page_url(self, token: str) -> str:
        return f"{self.public_url}/c/{token}"

    def fingerprint(self, word: str) -> str:
        """12 hex digits that stand for an address in logs and evidence."""
        return self._mac("fingerprint", word)[:6].hex()


def lane_of_message(message_id: str) -> LaneId | None:
    """The lane a message id names (``<lane>-<n>``), or None when it is not one of ours."""
    lane, dash, number = message_id.partition("-")
    is_lane = len(lane) == 2 * _LANE_BYTES and all(c in "0123456789abcdef" for c in lane)
    return LaneId(lane) if dash and is_lane and number.isascii() and number.isdigit() else None


def message_id(lane: LaneId, serial: int) -> MessageId:
    return MessageId(f"{lane}-{serial}")
