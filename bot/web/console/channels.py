"""The channels: what each is like and how we know, forcing one, what an outage would cost, and how the last weeks were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sanic import HTTPResponse

from bot.core.health import Kind, domain_key
from bot.flows import channel_states
from bot.ledger import outages
from bot.ledger.health_spans import Span, spans
from bot.ledger.history import days
from bot.ledger.times import instant, instant_or_none
from bot.ledger.trial_messages import latest, people_on
from bot.web.console import words
from bot.web.console.page import Page
from bot.web.console.rights import Right
from bot.web.console.visit import Visit
from bot.web.gateway import in_time
from bot.web.ledger_port import Window
from bot.web.problems import Problem
from bot.web.start_link import qr_svg, start_url

DAY = timedelta(hours=24)
DAYS = 30
PROOFS = 8
AGAINST = frozenset(
    {Kind.FAULT, Kind.SILENT, Kind.UNDELIVERED, Kind.BROKEN, Kind.PROBE_FAILED, Kind.FEED, Kind.QUIET}
)


@dataclass(frozen=True, slots=True)
class Proof:
    """The same thing seen, once or several times in a row, in words. ``at``: the last time."""

    at: Any
    kind: str
    detail: str
    against: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """One channel as the page shows it."""

    name: str
    state: str
    since: Any
    forced: str | None
    forced_reason: str | None
    measured: str
    proofs: list[Proof]
    against: int
    """Things seen against it in the last ten minutes."""
    incident: Mapping[str, Any] | None
    spans: list[Span]
    """Its last 24 hours."""


async def page(visit: Visit) -> HTTPResponse:
    shop, ledger = await visit.shop_facts(), visit.console.ledger
    known = await in_time(channel_states.known(visit.gateway.board, shop))
    open_ = await outages.current(ledger, visit.shop)
    domains = {name: shop.domains.get(name, ()) for name in shop.accounts}
    now, began = instant(visit.now), instant(visit.now) - DAY
    keys = {name.value: [account, *map(domain_key, domains[name])] for name, account in shop.accounts.items()}
    lately = await spans(ledger, keys, began, now)
    return visit.page(
        "channels.html",
        shop=shop,
        now=visit.now,
        channels=[_shown(one, open_, lately[one.channel.value], visit.now) for one in known],
        began=began,
        calls=len(await outages.calls(ledger, visit.shop)),
        readiness=await outages.ready(ledger, visit.shop, domains),
        history=await days(ledger, visit.shop, DAYS, instant(visit.now)),
        incidents=await _incidents(visit),
        when=_when,
        start_url=start_url(visit.gateway.public_url, shop.id),
        testable={name.value: people_on(shop, name) for name in shop.accounts},
        trials=await latest(ledger, visit.shop, instant(visit.now)),
    )


async def start_qr(visit: Visit) -> HTTPResponse:
    """The QR code of the shop's public link as a file: for a flyer, a parcel, Google Business."""
    svg = qr_svg(start_url(visit.gateway.public_url, visit.shop))
    headers = {"Content-Disposition": f'inline; filename="{visit.shop}-qr.svg"', "Cache-Control": "no-store"}
    return HTTPResponse(svg, headers=headers, content_type="image/svg+xml")


async def force(visit: Visit) -> HTTPResponse:
    """For this shop's routing only, with a reason that everybody sees."""
    shop, state, reason = await visit.shop_facts(), visit.form("state", 10), visit.form("reason", 200)
    channel = next((name for name in shop.accounts if name.value == visit.parameters["channel"]), None)
    if channel is None:
        raise Problem("not-found")
    if state not in ("up", "down", "auto") or (state != "auto" and not reason):
        return visit.go("/channels", "bad-value")
    said = f"{reason} ({visit.user.name})" if reason else ""
    await in_time(visit.gateway.board.force(shop.id, channel, state, said, visit.now))
    await visit.note("channel.forced", channel.value, state=state)
    return visit.go("/channels", "auto" if state == "auto" else "forced")


def _shown(one: channel_states.Known, open_: list[Any], lately: list[Span], now: float) -> Shown:
    routed, name = one.routed, one.channel.value
    proofs: list[Proof] = []
    for seen in reversed(one.measured.evidence):
        kind = words.EVIDENCE.get(seen.kind.value, seen.kind.value)
        last = proofs[-1] if proofs else None
        if last is not None and (last.kind, last.detail) == (kind, seen.detail):
            proofs[-1] = replace(last, count=last.count + 1)
        elif len(proofs) < PROOFS:
            proofs.append(Proof(instant(seen.at), kind, seen.detail, seen.kind in AGAINST))
    return Shown(
        name=name,
        state=routed.state.value,
        since=instant_or_none(routed.since or None),
        forced=routed.forced,
        forced_reason=routed.forced_reason,
        measured=one.measured.state.value,
        proofs=proofs,
        against=sum(seen.kind in AGAINST and now - seen.at < 600 for seen in one.measured.evidence),
        incident=next((incident for incident in open_ if incident["channel"] == name), None),
        spans=lately,
    )


async def _incidents(visit: Visit) -> list[Any]:
    return list((await visit.gateway.reads.incidents(visit.shop, Window(limit=12))).items)


def _when(written: str | None) -> Any:
    return None if written is None else datetime.fromisoformat(written)


PAGES = (
    Page("GET", "/channels", Right.READ, page),
    Page("GET", "/channels/lien-qr.svg", Right.READ, start_qr),
    Page("POST", "/channels/<channel:str>/force", Right.CHANNELS, force),
)
