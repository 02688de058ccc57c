"""Our channels against the stand-in, which knows nothing of them: there and back over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot import channels
from bot.channels import status_feeds
from bot.channels.accounts import Account, TelegramAccount, TwilioAccount
from bot.channels.content import MemoryContentCache
from bot.channels.status_feeds import StatusFeed
from bot.channels.telegram import Telegram
from bot.channels.twilio_webhooks import read_status
from bot.channels.webhooks import Parsed, WebhookRequest
from bot.core.addresses import ChannelName, ShopId
from bot.core.failures import Accepted, Refused, Scope, Unsure
from bot.core.health import State, domain_key
from bot.core.messages import MessageId, MessageStatus, Part, Received, Reported
from bot.flows.probe import Outside, Prober
from bot.ports import Outgoing
from bot.storage.memory import MemoryHealthBoard
from tests.flows.world import TurnedClock
from tests.simulator.stage import SHOP, Heard, Stage, stage

MESSAGE = MessageId("0a" * 10 + "-7")
BUTTONS = Part("On confirme ?", buttons=(("1.2.0.mac", "Oui"), ("1.2.1.mac", "Non")))
ROWS = Part("Où livrer ?", rows=(("p0", "Cocody", "1 500 F"), ("p1", "Abobo", "")), list_label="Choisir")


class Rig:
    """A stage and a shop's channels on it."""

    def __init__(self, on: Stage) -> None:
        self.on = on
        bot = on.bot()
        self.accounts: dict[ChannelName, Account] = {
            ChannelName.TELEGRAM: TelegramAccount(bot.token, bot.secret, bot.username),
            **{name: self._twilio(name) for name in (ChannelName.WHATSAPP, ChannelName.SMS)},
        }
        self.channels = {name: self._build(name) for name in self.accounts}

    def _twilio(self, name: ChannelName) -> TwilioAccount:
        sender = self.on.sender(name)
        return TwilioAccount(sender.account_sid, (sender.auth_token,), sender.address, two_way=sender.two_way)

    def _build(self, name: ChannelName) -> channels.Closable:
        return channels.build(
            ShopId(SHOP), name, self.accounts[name], public_url=self.on.door.url, twilio_api_url=self.on.url,
            telegram_api_url=self.on.url, content_cache=MemoryContentCache(), timeout=1.0,
        )

    def request(self, heard: Heard) -> WebhookRequest:
        headers = {name.lower(): value for name, value in heard.headers.items()}
        path = heard.url.removeprefix(self.on.door.url)
        return WebhookRequest(path, headers, heard.body, ShopId(SHOP), 1000.0)

    async def received(self, name: ChannelName) -> Received:
        """What the first webhook of a channel says; the door forgets it."""
        path = f"/webhooks/{name}/"
        (heard, *_) = await self.on.until(lambda: self.on.door.at(path))
        self.on.door.heard.clear()
        reading = channels.read(name, self.request(heard), self.accounts[name], self.on.door.url)
        assert isinstance(reading, Parsed), reading
        (item,) = reading.items
        assert isinstance(item, Received)
        return item

    async def reported(self, status: MessageStatus) -> Reported:
        """Wait for a status callback that says so."""
        twilio = [account for account in self.accounts.values() if isinstance(account, TwilioAccount)]

        def look() -> Reported | None:
            for heard in self.on.door.at("/webhooks/twilio-status"):
                reading = read_status(self.request(heard), twilio, self.on.door.url)
                assert isinstance(reading, Parsed), reading
                item = reading.items[0]
                if isinstance(item, Reported) and item.status is status:
                    return item
            return None

        found: Reported = await self.on.until(look)
        return found

    async def send(self, name: ChannelName, part: Part, to: str, **more: Any) -> Any:
        return await self.channels[name].send(Outgoing(MESSAGE, to, part, **more))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = Rig(await stack.enter_async_context(stage(tmp_path / "shops")))
        for channel in made.channels.values():
            stack.push_async_callback(channel.close)
        yield made


async def test_a_whatsapp_message_is_answered_and_its_delivery_reported(rig: Rig) -> None:
    await rig.on.write("c cmb la robe ?")
    heard = await rig.received(ChannelName.WHATSAPP)
    assert (heard.text, heard.reply_to) == ("c cmb la robe ?", rig.on.aya.whatsapp)
    outcome = await rig.send(ChannelName.WHATSAPP, Part("5 000 F"), heard.reply_to, validity_seconds=60)
    assert isinstance(outcome, Accepted)
    await rig.on.shown("5 000 F")
    reported = await rig.reported(MessageStatus.DELIVERED)
    assert (reported.message_id, reported.provider_id) == (MESSAGE, outcome.provider_id)


@pytest.mark.parametrize("part", [BUTTONS, ROWS])
async def test_whatsapp_shows_what_can_be_tapped(rig: Rig, part: Part) -> None:
    await rig.on.open_window()
    assert isinstance(await rig.send(ChannelName.WHATSAPP, part, rig.on.aya.whatsapp), Accepted)
    shown = await rig.on.shown(part.text)
    assert [one["title"] for one in (shown.get("buttons") or shown.get("rows"))] == [
        title for _, title, *_ in (*part.buttons, *part.rows)
    ]


async def test_a_refusal_that_comes_later_is_classified(rig: Rig) -> None:
    await rig.send(ChannelName.WHATSAPP, Part("Bonjour"), rig.on.aya.whatsapp)
    reported = await rig.reported(MessageStatus.FAILED)
    assert reported.error_code == "63016"
    assert rig.channels[ChannelName.WHATSAPP].classify("63016").scope is Scope.WINDOW


async def test_a_lost_answer_is_found_in_the_record(rig: Rig) -> None:
    await rig.on.open_window()
    await rig.on.fault("whatsapp", "timeout", deliver=True)
    channel = rig.channels[ChannelName.WHATSAPP]
    outgoing = Outgoing(MESSAGE, rig.on.aya.whatsapp, Part("Votre commande est prête"))
    assert isinstance(await channel.send(outgoing), Unsure)
    await rig.on.fault("whatsapp", "timeout", on=False)
    await rig.on.shown("Votre commande est prête")
    found = await channel.look_up(None, outgoing)
    assert found is not None
    assert found.message_id == MESSAGE


async def test_twilio_down_as_a_whole_is_the_channels_fault(rig: Rig) -> None:
    await rig.on.fault("twilio", "down", how="503")
    outcome = await rig.send(ChannelName.SMS, Part("Bonjour"), rig.on.aya.number)
    assert isinstance(outcome, Refused)
    assert outcome.failure.scope is Scope.CHANNEL
    assert not await rig.channels[ChannelName.SMS].probe()


async def test_a_one_way_sms_arrives(rig: Rig) -> None:
    assert isinstance(await rig.send(ChannelName.SMS, Part("Robe & Cie: 2 art."), rig.on.aya.number), Accepted)
    await rig.on.shown("Robe & Cie: 2 art.", "sms")
    await rig.reported(MessageStatus.DELIVERED)


async def test_the_catch_up_finds_what_no_webhook_brought(rig: Rig) -> None:
    await rig.on.write("perdu ?")
    heard = await rig.received(ChannelName.WHATSAPP)
    listed = getattr(rig.channels[ChannelName.WHATSAPP], "list_inbound")  # noqa: B009
    found = await listed(rig.on.simulator.clock.now() - 60)
    assert [(one.id, one.text, one.caught_up) for one in found] == [(heard.id, "perdu ?", True)]


async def test_telegram_there_and_back(rig: Rig) -> None:
    chat = await rig.on.start_telegram()
    outcome = await rig.send(ChannelName.TELEGRAM, BUTTONS, str(chat))
    assert isinstance(outcome, Accepted)
    assert outcome.final
    shown = await rig.on.shown(BUTTONS.text, "telegram")
    assert shown is not None
    await rig.on.write("oui", channel="telegram")
    heard = await rig.received(ChannelName.TELEGRAM)
    assert (heard.text, heard.reply_to) == ("oui", str(chat))
    assert await rig.channels[ChannelName.TELEGRAM].probe()


async def test_a_bot_is_told_where_to_bring_which_updates(rig: Rig) -> None:
    bot = rig.channels[ChannelName.TELEGRAM]
    assert isinstance(bot, Telegram)
    url = f"{rig.on.door.url}/webhooks/telegram/{SHOP}"
    assert await bot.introduce(url) is None
    _, told = await rig.on.telegram("getWebhookInfo")
    assert (told["result"]["url"], told["result"]["max_connections"]) == (url, 40)
    assert set(told["result"]["allowed_updates"]) == {"message", "edited_message", "callback_query", "my_chat_member"}


async def test_a_bot_that_is_not_told_says_why_in_a_word(rig: Rig) -> None:
    bot = rig.channels[ChannelName.TELEGRAM]
    assert isinstance(bot, Telegram)
    assert await bot.introduce("http://example.com/webhooks/telegram/robe") == "BadRequest"


@pytest.mark.parametrize(
    ("domain", "reads", "said"),
    [
        ("twilio", status_feeds.twilio, "Twilio: Partial System Outage"),
        ("meta", status_feeds.meta, "Meta: Cloud API: High disruptions"),
    ],
)
async def test_a_status_page_that_admits_trouble_takes_no_channel_down(
    rig: Rig, domain: str, reads: Any, said: str
) -> None:
    """Read over HTTP for ten minutes of outage on the page, and nothing else: a vote beside the evidence, no more."""
    clock, account = TurnedClock(), rig.channels[ChannelName.WHATSAPP]
    board, feed = MemoryHealthBoard(clock), StatusFeed(domain, f"{rig.on.url}/status/{domain}.json", reads)
    assert await feed.trouble() is None

    async def nothing() -> None: ...

    async def yes(*_: str) -> bool:
        return True

    await rig.on.sim("faults", channel=domain, fault="status_page", on=True)
    prober = Prober(board, clock, Outside([account], yes, nothing, yes, [feed]))
    for _ in range(120):
        clock.time += 5
        await prober.once()
    await feed.close()
    for key in (account.account, domain_key(domain)):
        known = (await board.read([key]))[key]
        assert (known.state, [seen.detail for seen in known.evidence]) == (State.UP, [said])

