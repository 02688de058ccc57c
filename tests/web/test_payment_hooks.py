"""What a payment provider's callback is answered, in the order of the contract's checks."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.core.addresses import ShopId
from bot.core.payments import Session, Settled
from bot.payments.accounts import WaveAccount
from bot.ports import Unavailable
from bot.simulator.signing import wave_signature
from bot.web.payment_hooks import PaymentDoors
from bot.web.server import create_app
from tests.web.house import SHOP, House

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
async def door(house: House) -> AsyncIterator[Door]:
    desk = Desk()
    doors = PaymentDoors({ShopId(SHOP): {"wave": WaveAccount("key", (SECRET,))}}, desk)
    app = create_app(house.gateway(payments=doors), "payments", touch_up=False)
    async with app.asgi_client as _:
        pass
    yield Door(house, house.http, desk)
