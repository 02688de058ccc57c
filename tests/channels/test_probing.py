"""Status pages and canaries: what each answer of the outside means, and that none can hang or flood us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.channels import status_feeds
from bot.channels.accounts import TwilioAccount
from bot.channels.canary import ChannelCanary
from bot.channels.sms import Sms
from bot.channels.status_feeds import StatusFeed
from bot.channels.twilio import TwilioApi
from bot.core.addresses import ShopId
from bot.core.health import Kind
from bot.core.messages import MessageId
from tests.channels.scripted_provider import Provider, Says

NOW = 1_790_000_000.0
META = [
    {"id": "facebook", "services": [{"id": "x", "name": "Ads", "status": "High disruptions"}]},
    {
        "id": "whatsapp-business-api",
        "services": [
            {"id": "1", "name": "Cloud API", "status": "No known issues"},
            {"id": "2", "name": "Messages", "status": "Medium disruptions"},
        ],
    },
]


@pytest.mark.parametrize(
    ("read", "said", "trouble"),
    [
        (status_feeds.twilio, {"status": {"indicator": "none", "description": "All good"}}, None),
        (status_feeds.twilio, {"status": {"indicator": "minor", "description": "Some"}}, None),
        (status_feeds.twilio, {"status": {"indicator": "major", "description": "SMS delays"}}, "Twilio: SMS delays"),
        (status_feeds.twilio, {"status": {"indicator": "purple"}}, None),
        (status_feeds.twilio, ["odd"], None),
        (status_feeds.meta, META, "Meta: Messages: Medium disruptions"),
        (status_feeds.meta, META[:1], None),
        (status_feeds.meta, {"odd": 1}, None),
        (status_feeds.meta, "<html>", None),
    ],
)
async def test_what_a_page_says(
    provider: Provider, read: Callable[[Any], str | None], said: object, trouble: str | None
) -> None:
    provider.says(Says(said))
    feed = StatusFeed("meta", provider.url, read)
    assert await feed.trouble() == trouble
    await feed.close()


@pytest.mark.parametrize("says", [Says(status=503), Says(drop=True), Says("x" * 300_000), Says(status=302)])
async def test_a_page_that_does_not_answer_well_has_no_opinion(provider: Provider, says: Says) -> None:
    provider.says(says)
    feed = StatusFeed("twilio", provider.url, status_feeds.twilio)
    assert await feed.trouble() is None
    await feed.close()


async def test_a_page_nobody_serves_has_no_opinion() -> None:
    feed = StatusFeed("twilio", "http://127.0.0.1:9/", status_feeds.twilio)
    assert await feed.trouble() is None
    await feed.close()


class Still:
    """A clock that does not wait."""

    def now(self) -> float:
        return NOW

    async def sleep(self, seconds: float) -> None:
        return None


@pytest.fixture
async def canary(provider: Provider) -> AsyncIterator[ChannelCanary]:
    account = TwilioAccount("AC" + "1" * 32, ("token",), "+14155238886")
    api = TwilioApi(account, api_url=provider.url, now=lambda: NOW)
    channel = Sms(ShopId("awa"), api, "https://relais.example.ci")
    yield ChannelCanary(channel, "+2250700000001", "f1", None, MessageId("canary"), Still())
    await channel.close()


def record(status: str, code: int | None = None) -> Says:
    return Says({"sid": "SM1", "status": status, "error_code": code})


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([Says({"sid": "SM1", "status": "queued"}, 201), record("sent"), record("delivered")], Kind.WORKS),
        ([Says({"sid": "SM1", "status": "queued"}, 201), record("queued")], Kind.SILENT),
        ([Says({"sid": "SM1", "status": "queued"}, 201), record("sent")], Kind.UNDELIVERED),
        ([Says({"sid": "SM1", "status": "queued"}, 201), record("failed", 63012)], Kind.FAULT),
        ([Says({"sid": "SM1", "status": "queued"}, 201), record("failed", 63003)], None),
        ([Says({"code": 20503}, 503)], Kind.FAULT),
        ([Says({"code": 21211}, 400)], None),
    ],
    ids=["arrives", "never sent", "never delivered", "channel refuses", "wrong number", "api down", "bad number"],
)
async def test_what_becomes_of_a_canary(
    provider: Provider, canary: ChannelCanary, answers: list[Says], found: Kind | None
) -> None:
    provider.says(*answers)
    assert await canary.fly() == (None if found is None else (found, NOW))
