"""A channel's fault domains are the same before it is built (readiness) and after (health)."""

from __future__ import annotations

import pytest

from bot.channels.accounts import Account, SimAccount, TelegramAccount, TwilioAccount, WebAccount, domains_of
from bot.channels.sim import Sim
from bot.channels.sms import Sms
from bot.channels.telegram import Telegram
from bot.channels.webchat import WebChat
from bot.channels.whatsapp import WhatsApp
from bot.core.addresses import ChannelName

TWILIO = TwilioAccount("AC1", ("t",), "+2250700000190")


@pytest.mark.parametrize(
    ("channel", "account", "built"),
    [
        (ChannelName.WHATSAPP, TWILIO, WhatsApp),
        (ChannelName.SMS, TWILIO, Sms),
        (ChannelName.TELEGRAM, TelegramAccount("1:t", "s", "b"), Telegram),
        (ChannelName.WEB, WebAccount(), WebChat),
    ],
)
def test_what_an_account_depends_on_is_what_its_channel_says(
    channel: ChannelName, account: Account, built: type[WhatsApp | Sms | Telegram | WebChat]
) -> None:
    assert domains_of(channel, account) == built.domains


def test_a_sim_in_the_vendors_phone_needs_the_internet() -> None:
    assert domains_of(ChannelName.SMS, object.__new__(SimAccount)) == Sim.domains
