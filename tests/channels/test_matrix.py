"""The published matrix says what the channels can do, and the light page is a channel like the others."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path

from bot.channels import KINDS, Closable, build, read
from bot.channels.accounts import Account, SimAccount, TelegramAccount, TwilioAccount, WebAccount
from bot.channels.content import MemoryContentCache
from bot.channels.webhooks import Ignored, WebhookRequest
from bot.core.addresses import ChannelName, ShopId
from bot.core.failures import Accepted
from bot.core.messages import Capabilities, MessageId, Part
from bot.ports import Outgoing

MATRIX = Path(__file__).parent.parent.parent / "docs" / "channel-matrix.csv"
TWILIO = TwilioAccount("AC1", ("token",), "+14155238886")
ACCOUNTS: dict[str, tuple[ChannelName, Account]] = {
    "whatsapp": (ChannelName.WHATSAPP, TWILIO),
    "telegram": (ChannelName.TELEGRAM, TelegramAccount("1:A", "s", "bot")),
    "web": (ChannelName.WEB, WebAccount()),
    "sms two-way": (ChannelName.SMS, TWILIO),
    "sms sim": (ChannelName.SMS, SimAccount("awa", ("secret",), "+2250700000195")),
    "sms one-way": (ChannelName.SMS, TwilioAccount("AC1", ("token",), "AWA MODE", two_way=False)),
}


def channel(column: str) -> Closable:
    name, account = ACCOUNTS[column]
    return build(
        ShopId("awa"), name, account, public_url="https://r.example", content_cache=MemoryContentCache()
    )


def word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def matrix() -> list[dict[str, str]]:
    """What the code can do, as rows of the published file."""
    channels = {column: channel(column) for column in ACCOUNTS}
    rows = [{"capability": "fault_domains"} | {c: " ".join(made.domains) for c, made in channels.items()}]
    for field in fields(Capabilities):
        values = {c: word(getattr(made.capabilities, field.name)) for c, made in channels.items()}
        rows.append({"capability": field.name} | values)
    return rows


def test_the_published_matrix_is_what_the_channels_can_do() -> None:
    with MATRIX.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == matrix()


def test_every_channel_has_a_column() -> None:
    assert {name for name, _ in ACCOUNTS.values()} == set(KINDS) == set(ChannelName)


async def test_the_page_takes_everything_and_is_not_final() -> None:
    web = channel("web")
    message = Outgoing(MessageId("0a" * 10 + "-7"), "web:1", Part("Bonjour"))
    assert await web.send(message) == Accepted(message.message_id, final=False)
    assert await web.look_up(None, message) is None
    assert await web.probe()
    await web.close()


def test_the_page_has_no_webhook() -> None:
    request = WebhookRequest("/webhooks/web/awa", {}, b"", ShopId("awa"), 1.0)
    assert read(ChannelName.WEB, request, WebAccount(), "https://r.example") == Ignored("web")
