"""A callback counts only when Wave signed these very bytes, a short while ago."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.webhooks import Forbidden, Ignored, Malformed, Reading, WebhookRequest
from bot.core.addresses import ShopId
from bot.core.payments import Session, SessionState
from bot.payments.accounts import WaveAccount
from bot.payments.wave import amount
from bot.payments.wave_webhooks import TOLERANCE, read, sign, unproved
from bot.simulator.signing import wave_signature

NOW = 1_790_000_000
ACCOUNT = WaveAccount("key", ("new secret", "old secret"))
PAID: dict[str, Any] = {
    "id": "cos-1",
    "amount": "12500",
    "currency": "XOF",
    "client_reference": "ord_1-1",
    "checkout_status": "complete",
    "payment_status": "succeeded",
    "wave_launch_url": "https://pay.wave.com/c/cos-1",
    "when_expires": "2026-09-21T13:43:20Z",
}


def told(
    data: Any, kind: Any = "checkout.session.completed", secret: str = "new secret", at: int = NOW
) -> Session | Reading:
    body = json.dumps({"id": "EV_1", "type": kind, "data": data}).encode()
    headers = {"wave-signature": wave_signature(secret, body, str(at))}
    return read(ACCOUNT, WebhookRequest("/", headers, body, ShopId("awa-mode"), NOW))


@pytest.mark.parametrize("secret", ACCOUNT.webhook_secrets)
def test_a_signed_callback_tells_of_its_session_whichever_secret_is_still_in_use(secret: str) -> None:
    assert told(PAID, secret=secret) == Session(
        "cos-1", "ord_1-1", 12500, "XOF", SessionState.PAID, "https://pay.wave.com/c/cos-1", 1_789_998_200.0
    )


def test_what_does_not_hold_is_refused() -> None:
    assert told(PAID, secret="guessed") == Forbidden("wrong signature")
    assert told(PAID, at=NOW - int(TOLERANCE) - 1) == Forbidden("old signature")
    assert told(PAID, at=NOW + int(TOLERANCE) + 1) == Forbidden("old signature")
    assert told(None) == Malformed("no session id")
    assert told(PAID, kind="merchant.payment_received") == Ignored("merchant.payment_received")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"payment_status": "processing"}, SessionState.FAILED),
        ({"payment_status": "cancelled"}, SessionState.FAILED),
        ({"checkout_status": "open"}, SessionState.OPEN),
        ({"checkout_status": "expired"}, SessionState.EXPIRED),
    ],
)
def test_paid_is_complete_and_succeeded_and_nothing_less(change: dict[str, str], state: SessionState) -> None:
    found = told({**PAID, **change})
    assert isinstance(found, Session) and found.state is state


@given(body=st.binary(max_size=200), flip=st.integers(0, 10**6), at=st.integers(0, 10**12 - 1))
def test_one_changed_bit_anywhere_breaks_it(body: bytes, flip: int, at: int) -> None:
    header = wave_signature("new secret", body, str(at))
    assert unproved(header, body, ACCOUNT.webhook_secrets, at) is None
    if body:
        place, bit = divmod(flip % (len(body) * 8), 8)
        changed = body[:place] + bytes([body[place] ^ 1 << bit]) + body[place + 1 :]
        assert unproved(header, changed, ACCOUNT.webhook_secrets, at) == "wrong signature"
    moved = header.replace(f"t={at},", f"t={at + 1},")
    assert unproved(moved, body, ACCOUNT.webhook_secrets, at) is not None


@given(header=st.text(max_size=300), body=st.binary(max_size=50))
def test_a_header_that_anybody_may_write_never_raises_and_never_proves(header: str, body: bytes) -> None:
    assert unproved(header, body, ACCOUNT.webhook_secrets, NOW) is not None


def test_one_good_signature_among_several_is_enough_and_two_times_are_none() -> None:
    good = sign("old secret", str(NOW), b"{}")
    assert unproved(f"t={NOW}, v1={'0' * 64}, v1={good}", b"{}", ACCOUNT.webhook_secrets, NOW) is None
    assert unproved(f"t={NOW},t={NOW},v1={good}", b"{}", ACCOUNT.webhook_secrets, NOW) == "no signature"


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none()))
def test_an_amount_is_a_whole_number_of_francs_or_none(value: Any) -> None:
    read_ = amount(value)
    assert read_ is None or (read_ >= 0 and str(read_) == (str(value).lstrip("0") or "0"))


def test_secrets_stay_out_of_repr() -> None:
    assert "secret" not in repr(ACCOUNT) and "key" not in repr(ACCOUNT).replace("api_key", "")
