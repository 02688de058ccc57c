"""The owner's webhooks in the console: the same ones that REST shows, with a secret that is shown once."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.core.journal import PublicEvent
from bot.hooks import signing
from bot.ledger.deliveries import Attempt, LedgerDeliveries
from bot.ledger.numbering import Numberer
from bot.ledger.outbox import event_row, tell
from tests.web.house import SECRET, SHOP
from tests.web.office import Office, Person

URL = "https://example.com/relais"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
STOCK = PublicEvent(
    "stock.low:foulard:1", "stock.low", NOW.timestamp(), {"product_id": "foulard", "stock": 2}
)


async def add(owner: Person, **fields: str) -> tuple[str, str]:
    """(id, secret) of a new webhook."""
    page = (await owner.post("/webhooks", url=URL, description="compta", **fields)).text
    secret, hook = re.search(r"whsec_[A-Za-z0-9+/=]+", page), re.search(r"wh_[0-9a-f]{20}", page)
    assert secret is not None and hook is not None
    return hook[0], secret[0]


async def test_a_secret_is_shown_once_and_is_the_one_that_signs(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        hook, secret = await add(owner, type="order.placed")
        again = (await owner.get(f"/webhooks/{hook}")).text
        listed = (await owner.get("/webhooks")).text
        rotated = (await owner.post(f"/webhooks/{hook}/rotate")).text

    assert secret == signing.shown(signing.secret_of(SECRET, hook, 1))
    assert signing.shown(signing.secret_of(SECRET, hook, 2)) in rotated
    assert "whsec_" not in again + listed and URL in listed and "order.placed" in listed


async def test_what_was_sent_is_shown_and_sent_again(office: Office) -> None:
    sender = LedgerDeliveries(office.house.ledger)
    async with office.signed_in("owner") as owner:
        hook, _ = await add(owner)
        async with office.house.ledger.writing() as connection:
            await tell(connection, [event_row(SHOP, STOCK.id, STOCK.type, NOW, STOCK.data)])
        await Numberer(office.house.ledger).once()
        [due] = await sender.due(NOW)
        [event], _ = await sender.events(due)
        tried = Attempt(STOCK.id, event["seq"], STOCK.type, 1, None, "timeout", 15000, NOW)
        await sender.failed(due, tried, NOW)
        await sender.taken(
            due, event["seq"], Attempt(STOCK.id, event["seq"], STOCK.type, 2, 204, None, 90, NOW)
        )
        log = (await owner.get(f"/webhooks/{hook}")).text
        unknown = await owner.post(f"/webhooks/{hook}/resend", event="stock.low:nothing")
        await owner.post(f"/webhooks/{hook}/resend", event=STOCK.id)
        [again] = await sender.due(NOW)

    assert "pas de réponse en 15 s" in log and ">204<" in log
    assert unknown.status_code == 404
    assert (await sender.events(again))[0] == [event]


async def test_a_webhook_is_stopped_taken_up_again_and_removed(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        hook, _ = await add(owner)
        await owner.post(f"/webhooks/{hook}/state", state="disabled")
        stopped = (await owner.get(f"/webhooks/{hook}")).text
        await owner.post(f"/webhooks/{hook}/state", state="now")
        going = (await owner.get(f"/webhooks/{hook}")).text
        await owner.post(f"/webhooks/{hook}/remove")
        gone = await owner.get(f"/webhooks/{hook}")
        trail = (await owner.get("/settings/trail")).text

    assert "arrêté à la main" in stopped and "arrêté à la main" not in going
    assert gone.status_code == 404 and "a retiré un webhook" in trail


async def test_what_rest_refuses_is_refused(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        answers = [
            await owner.post("/webhooks", url=url, type=kind)
            for url, kind in (("http://example.com/", ""), ("https://127.0.0.1/", ""), (URL, "no.such"))
        ]
    assert [answer.headers["location"].rpartition("=")[2] for answer in answers] == [
        "bad-url",
        "bad-url",
        "bad-value",
    ]
