"""A test message over one channel to one of the shop's own people, and what became of it."""

from __future__ import annotations

from sanic import HTTPResponse

from bot.core.addresses import ChannelName
from bot.ledger import trial_messages
from bot.ledger.times import instant
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.problems import Problem


async def send(visit: Visit) -> HTTPResponse:
    """To an address of the shop's alerts only: nobody else can be written to from here."""
    shop, channel = await visit.shop_facts(), await _channel(visit)
    wanted = visit.form("to", 80)
    to = next((one for one in trial_messages.people_on(shop, channel) if str(one.address) == wanted), None)
    if to is None:
        return visit.go("/channels", "bad-value")
    label = words.CHANNELS[channel.value]
    text = f"{shop.name} : message de test par {label}, envoyé par {visit.user.name}. Rien à faire."
    if not await trial_messages.owe(visit.console.ledger, shop, to, text, visit.once(), instant(visit.now)):
        return visit.go("/channels", "too-many-tests")
    await visit.note("channel.tested", channel.value, name=to.name)
    return visit.go("/channels", "tested")


async def result(visit: Visit) -> HTTPResponse:
    """Only what became of it, for the script that waits."""
    channel = await _channel(visit)
    found = await trial_messages.latest(visit.console.ledger, visit.shop, instant(visit.now))
    return visit.page(
        "_trial.html",
        shop=await visit.shop_facts(),
        now=visit.now,
        name=channel.value,
        trial=found.get(channel.value),
    )


async def _channel(visit: Visit) -> ChannelName:
    """Raises a 404 problem."""
    shop = await visit.shop_facts()
    channel = next((name for name in shop.accounts if name.value == visit.parameters["channel"]), None)
    if channel is None:
        raise Problem("not-found")
    return channel


PAGES = (
    Page("POST", "/channels/<channel:str>/test", Right.SETTINGS, send),
    Page("GET", "/channels/<channel:str>/test", Right.READ, result),
)
