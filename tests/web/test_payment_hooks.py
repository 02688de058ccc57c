"""What a payment provider's callback is answered, in the order of the contract's checks."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.core.payments import Session, Settled
from bot.payments.accounts import WaveAccount
from bot.ports import Unavailable
from bot.simulator.signing import wave_signature
from bot.web.payment_hooks import PaymentDoors
from tests.web.house import OTHER, SHOP, House, open_house

SECRET = "wave-secret"
PATH = f"/webhooks/payments/wave/{SHOP}"
PAID = {
    "id": "EV_1",
    "type": "checkout.session.completed",
    "data": {
        "id": "cos-1",
        "amount": "5000",
        "currency": "XOF",
        "client_reference": "ord_1-1",
        "checkout_status": "complete",
        "payment_status": "succeeded",
    },
}


class Desk:
    """In the ledger's place: what a session comes to is what the test says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Session]] = []
        self.answer: Settled | None = Settled.PAID

    async def settle(self, shop: str, provider: str, session: Session) -> Settled:
        if self.answer is None:
            raise Unavailable("the ledger is down")
        self.told.append((shop, provider, session))
        return self.answer


class Door:
    """The gateway over a till."""

    def __init__(self, house: House, http: httpx.AsyncClient, desk: Desk) -> None:
        self.house, self.http, self.desk = house, http, desk

    async def post(self, event: Any = PAID, path: str = PATH, secret: str = SECRET, at: float = 0) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        stamp = str(int(time.time() + at))
        return await self.http.post(path, content=body, headers={"Wave-Signature": wave_signature(secret, body, stamp)})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    desk = Desk()
    async with open_house(work=False, payments=PaymentDoors({SHOP: {"wave": WaveAccount("key", (SECRET,))}}, desk)) as house:
        yield Door(house, house.http, desk)


async def test_a_signed_callback_is_settled_and_answered_with_200(door: Door) -> None:
    answer = await door.post()
    [(shop, provider, session)] = door.desk.told
    assert (answer.status_code, shop, provider) == (200, SHOP, "wave")
    assert (session.id, session.amount_xof, session.reference) == ("cos-1", 5000, "ord_1-1")


@pytest.mark.parametrize("path", [f"/webhooks/payments/wave/{OTHER}", f"/webhooks/payments/cinetpay/{SHOP}"])
async def test_a_shop_without_such_an_account_is_404_before_anything_is_read(door: Door, path: str) -> None:
    assert (await door.post(b"x" * 300_000, path=path)).status_code == 404


async def test_over_256_kb_is_413_before_the_signature_counts(door: Door) -> None:
    assert (await door.post(b"x" * (256 * 1024 + 1))).status_code == 413


@pytest.mark.parametrize("wrong", [{"secret": "guessed"}, {"at": -301}, {"at": 302}], ids=str)
async def test_what_wave_did_not_sign_just_now_is_403_and_does_nothing(door: Door, wrong: dict[str, Any]) -> None:
    assert ((await door.post(**wrong)).status_code, door.desk.told) == (403, [])


async def test_signed_nonsense_is_400(door: Door) -> None:
    assert [(await door.post(body)).status_code for body in (b"{", b"[]", {**PAID, "data": {}})] == [400] * 3


async def test_another_kind_of_event_is_taken_and_kept(door: Door) -> None:
    assert (await door.post({"type": "merchant.payment_received"})).status_code == 200
    assert (door.desk.told, [kept[1:3] for kept in door.house.kept]) == (
        [], [("payments-wave", "merchant.payment_received")]
    )


async def test_what_does_not_fit_is_taken_and_kept(door: Door) -> None:
    door.desk.answer = Settled.MISMATCH
    assert (await door.post()).status_code == 200
    assert [kept[2] for kept in door.house.kept] == ["payment mismatch"]


async def test_what_is_not_written_down_is_503_and_comes_again(door: Door) -> None:
    door.desk.answer = None
    answer = await door.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_the_page_after_paying_proves_nothing(door: Door) -> None:
    for outcome, words in (("merci", "confirmé"), ("echec", "Rien n&#39;est payé")):
        page = await door.http.get(f"/pay/{SHOP}/{outcome}")
        assert page.status_code == 200 and words in page.text
    assert [(await door.http.get(path)).status_code for path in (f"/pay/{SHOP}/x", "/pay/nobody/merci")] == [404, 404]
    assert door.desk.told == []
