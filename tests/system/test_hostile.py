"""Whoever has no secret gets the Contract's answer and leaves no trace; nobody gets a 5xx out of a body."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
import redis

from bot.simulator.accounts import Sender, load_shops
from bot.simulator.signing import twilio_signature
from tests.system.running import SHOP, TWO_WAY_SHOP, Running, eventually

HOOKS = ("whatsapp", "sms", "twilio-status", "telegram")


def senders(relais: Running, shop: str) -> dict[str, Sender]:
    found = {s.id: s for s in load_shops(relais.data / "shops", {})}
    return {sender.channel: sender for sender in found[shop].senders}


def signed(relais: Running, path: str, token: str, form: dict[str, str]) -> httpx.Response:
    url = f"{relais.gates['webhooks'].url}{path}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": twilio_signature(token, url, list(form.items())),
    }
    return relais.http.post(url, content=urlencode(form), headers=headers)


def form_for(sender: Sender, **changed: str) -> dict[str, str]:
    return {
        "MessageSid": "SM" + "a" * 32,
        "AccountSid": sender.account_sid,
        "From": "whatsapp:+2250700000001",
        "To": sender.address,
        "Body": "Bonjour",
        "NumMedia": "0",
    } | changed


def traces(relais: Running) -> tuple[int, dict[str, int]]:
    """Lanes in Redis and rows in the ledger."""
    with closing(redis.Redis.from_url(relais.addresses["redis_url"])) as store:
        lanes = sum(1 for _ in store.scan_iter("*lane:*", count=1000))
    return lanes, rows(relais.data / "relais.db")


def rows(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as ledger:
        # The search index is a virtual table; its own plain tables are counted.
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        tables = [name for (name,) in ledger.execute(query)]
        kept = [t for t in tables if t not in ("journal_offset", "feed_reader", "feed")]
        return {t: ledger.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in kept}


@pytest.fixture
def untouched(relais: Running) -> object:
    """What was written before must be all there is afterwards."""
    before = eventually(lambda: _still(relais), 30, "nothing is being written any more")
    yield
    assert traces(relais) == before


def _still(relais: Running) -> tuple[int, dict[str, int]] | None:
    first = traces(relais)
    relais.http.get(f"{relais.gateway}/healthz")
    return first if traces(relais) == first else None


@pytest.mark.parametrize("hook", ["whatsapp", "sms", "twilio-status"])
def test_a_bad_signature_is_403(relais: Running, untouched: object, hook: str) -> None:
    form = form_for(senders(relais, SHOP)["whatsapp"])
    assert signed(relais, f"/webhooks/{hook}/{SHOP}", "0" * 32, form).status_code == 403


def test_an_unknown_shop_is_404(relais: Running, untouched: object) -> None:
    sender = senders(relais, SHOP)["whatsapp"]
    answer = signed(relais, "/webhooks/whatsapp/nobody", sender.auth_token, form_for(sender))
    assert answer.status_code == 404


def test_another_shops_number_with_a_good_signature_is_403(relais: Running, untouched: object) -> None:
    mine, theirs = senders(relais, SHOP)["whatsapp"], senders(relais, TWO_WAY_SHOP)["whatsapp"]
    for form in (form_for(mine, To=theirs.address), form_for(mine, AccountSid=theirs.account_sid)):
        assert signed(relais, f"/webhooks/whatsapp/{SHOP}", mine.auth_token, form).status_code == 403


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_signed_but_without_id_or_sender_is_400(relais: Running, untouched: object, missing: str) -> None:
    sender = senders(relais, SHOP)["whatsapp"]
    form = {name: value for name, value in form_for(sender).items() if name != missing}
    assert signed(relais, f"/webhooks/whatsapp/{SHOP}", sender.auth_token, form).status_code == 400


@pytest.mark.parametrize("hook", HOOKS)
def test_over_256_kb_is_413(relais: Running, untouched: object, hook: str) -> None:
    answer = relais.http.post(f"{relais.gateway}/webhooks/{hook}/{SHOP}", content=b"x" * (256 * 1024 + 1))
    assert answer.status_code == 413


def test_a_thousand_random_bodies_are_403(relais: Running, untouched: object) -> None:
    rng = random.Random(20211004)
    statuses = set()
    with httpx.Client(timeout=20.0) as http:
        for number in range(1000):
            body = rng.randbytes(rng.randrange(600)) if number % 2 else _nearly(rng)
            headers = rng.choice(
                [
                    {},
                    {"X-Twilio-Signature": "AAAA" * 7, "Content-Type": "application/x-www-form-urlencoded"},
                    {"X-Telegram-Bot-Api-Secret-Token": "guess", "Content-Type": "application/json"},
                    {"Content-Type": "multipart/form-data; boundary=x"},
                    {"Content-Encoding": "gzip"},
                ]
            )
            url = f"{relais.gateway}/webhooks/{rng.choice(HOOKS)}/{SHOP}"
            statuses.add(http.post(url, content=body, headers=headers).status_code)
    assert statuses == {403}


def _nearly(rng: random.Random) -> bytes:
    words = ["MessageSid", "From", "To", "Body", "AccountSid", "%00", "%zz", "\u20ac", "{", "[[", "=&="]
    return "&".join(f"{rng.choice(words)}={rng.choice(words)}" for _ in range(rng.randrange(40))).encode()


def test_signed_nonsense_is_taken_or_refused_and_never_a_5xx(relais: Running) -> None:
    """An insider's odd fields: a shopper's phone can put nearly anything into them."""
    rng = random.Random(20240314)
    sender = senders(relais, SHOP)["whatsapp"]
    values = ["", " ", "0", "-1", "x" * 5000, "\u0000", "\ud7ff", "whatsapp:", "whatsapp:+225", "[]", "{}", "1e999", "NaN"]
    fields = ["Body", "NumMedia", "Latitude", "Longitude", "ButtonPayload", "ButtonText", "ListId", "ProfileName"]
    fields += ["WaId", "ExternalUserId", "OriginalRepliedMessageSid", "ChannelMetadata", "MessageType", "From"]
    statuses = set()
    for number in range(100):
        odd = {name: rng.choice(values) for name in rng.sample(fields, rng.randrange(1, 6))}
        form = form_for(sender, MessageSid=f"SM{number:032x}") | odd
        statuses.add(signed(relais, f"/webhooks/whatsapp/{SHOP}", sender.auth_token, form).status_code)
    assert statuses <= {200, 400}
    assert 200 in statuses
