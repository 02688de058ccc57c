"""The only file that names concrete classes: builds the gateway and the worker from the settings."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from bot import channels, logs, payments, settings
from bot.channels import status_feeds
from bot.channels.accounts import Account, TwilioAccount, WebAccount
from bot.channels.canary import ChannelCanary
from bot.channels.content import RedisContentCache
from bot.channels.media import MediaFolder
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.messages import MessageId
from bot.core.tokens import Tokens
from bot.dialogue.rasa import RasaDialogue
from bot.flows.alert import keep_alerting
from bot.flows.catch_up import Inbox, catch_up, keep_up
from bot.flows.collect import Collector
from bot.flows.desk import Desk
from bot.flows.introduce import Introduced, Introducible, introduce
from bot.flows.keep_incidents import keep_incidents
from bot.flows.nudge import nudge
from bot.flows.permits import Permits
from bot.flows.probe import Outside, Prober
from bot.flows.reach_out import keep_reaching
from bot.flows.restore import keep_restoring
from bot.flows.tell_orders import keep_telling
from bot.hooks.client import HookClient
from bot.hooks.guard import Guard, networks
from bot.hooks.sender import Sender
from bot.ledger.audit import LedgerAudit
from bot.ledger.backlog import unfinished
from bot.ledger.checkouts import LedgerCheckouts
from bot.ledger.deliveries import LedgerDeliveries
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.feed import LedgerFeed
from bot.ledger.feed_readers import LedgerOrderNews
from bot.ledger.health_history import HealthHistory, concerned_by
from bot.ledger.housekeeping import Housekeeping
from bot.ledger.keys import LedgerKeys
from bot.ledger.numbering import Numberer
from bot.ledger.outage_book import LedgerOutages
from bot.ledger.passwords import Passwords
from bot.ledger.projector import LedgerRecords, Projector
from bot.ledger.resting import LedgerResting
from bot.ledger.settling import LedgerSettling
from bot.ledger.shopfiles import load_accounts, load_payment_accounts
from bot.ledger.shops import LedgerShops, account_key
from bot.ledger.users import LedgerUsers, Role
from bot.metrics import METRICS, exposition
from bot.metrics.measured import MeasuredChannels, MeasuredDialogue, MeasuredLanes
from bot.payments import PaymentAccount
from bot.payments.wave import Wave
from bot.settings import Settings, SettingsError
from bot.storage import codec
from bot.storage.kept_files import KeptFiles
from bot.storage.redis import (
    RedisBacklog,
    RedisHealthBoard,
    RedisJournal,
    RedisLanes,
    RedisLeases,
    RedisLimits,
    RedisLosses,
    RedisMeter,
    connect,
    durability,
)
from bot.storage.sessions import RedisSessions
from bot.storage.surprises import RedisSurprises
from bot.storage.throttle import RedisThrottle
from bot.web import figures
from bot.web.console.parts import Console
from bot.web.doors import Doors
from bot.web.feed_watch import FeedWatch
from bot.web.gateway import Gateway
from bot.web.ledger_reads import LedgerReads
from bot.web.payment_hooks import PaymentDoors
from bot.web.rehearsals import Drills
from bot.worker import Job

log = structlog.get_logger(__name__)

Accounts = Mapping[ShopId, Mapping[ChannelName, Account]]
PaymentAccounts = Mapping[ShopId, Mapping[str, PaymentAccount]]


class SystemClock:
    """Real time."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ShopChannels:
    """Every channel of every shop, built at first use: clients belong to the running loop."""

    def __init__(self, accounts: Accounts, found: Settings, cache: RedisContentCache) -> None:
        self._accounts = accounts
        self._found = found
        self._cache = cache
        self._built: dict[tuple[ShopId, ChannelName], channels.Closable] = {}

    def of(self, shop: ShopId, channel: ChannelName) -> channels.Closable | None:
        key = (shop, channel)
        if key not in self._built:
            account = WebAccount() if channel is ChannelName.WEB else self._accounts.get(shop, {}).get(channel)
            if account is None:
                return None
            self._built[key] = channels.build(
                shop,
                channel,
                account,
                public_url=self._found.public_url,
                twilio_api_url=self._found.twilio_api_url,
                telegram_api_url=self._found.telegram_api_url,
                sim_api_url=self._found.sim_api_url,
                content_cache=self._cache,
            )
        return self._built[key]

    def inboxes(self) -> Sequence[Inbox]:
        """Accounts whose inbound messages can be listed."""
        found: list[object] = [self.of(shop, name) for shop, have in self._accounts.items() for name in have]
        return [channel for channel in found if isinstance(channel, Inbox)]

    def introducible(self) -> Mapping[Introduced, tuple[Introducible, str]]:
        """Shops' bots and SIMs, and the address each must bring its updates to."""
        found: dict[Introduced, tuple[Introducible, str]] = {}
        for shop, have in self._accounts.items():
            for name in have:
                account: object = self.of(shop, name)
                if isinstance(account, Introducible):
                    found[shop, name] = (account, f"{self._found.public_url}/webhooks/{name}/{shop}")
        return found

    def all(self) -> Mapping[tuple[ShopId, ChannelName], channels.Closable]:
        """Every channel by shop and name, the page included."""
        found = {}
        for shop, have in self._accounts.items():
            for name in (*have, ChannelName.WEB):
                channel = self.of(shop, name)
                if channel is not None:
                    found[shop, name] = channel
        return found

    def canaries(self, clock: SystemClock, tokens: Tokens) -> list[ChannelCanary]:
        """One for each number an account names for it. Their callbacks name no lane, so nothing keeps them."""
        found = {}
        for (shop, name), channel in self.all().items():
            account = self._accounts.get(shop, {}).get(name)
            if not isinstance(account, TwilioAccount):
                continue
            for number in account.canaries:
                found[channel.account, number] = ChannelCanary(
                    channel, number, tokens.fingerprint(number), account.canary_template, MessageId("canary"), clock
                )
        return list(found.values())

    async def close(self) -> None:
        for channel in self._built.values():
            await channel.close()


class ShopPayments:
    """Every payment account of every shop, built at first use."""

    def __init__(self, accounts: PaymentAccounts, found: Settings) -> None:
        self._accounts = accounts
        self._found = found
        self._built: dict[tuple[ShopId, str], Wave] = {}

    def of(self, shop: ShopId, provider: str) -> Wave | None:
        key = (shop, provider)
        if key not in self._built:
            account = self._accounts.get(shop, {}).get(provider)
            if account is None:
                return None
            self._built[key] = payments.build(
                account, public_url=self._found.public_url, shop=shop, wave_api_url=self._found.wave_api_url
            )
        return self._built[key]

    async def close(self) -> None:
        for provider in self._built.values():
            await provider.close()


def _accounts(found: Settings) -> Accounts:
    return load_accounts(found.shops_dir, os.environ, serve=not found.simulator)


def _payment_accounts(found: Settings) -> PaymentAccounts:
    return load_payment_accounts(found.shops_dir, os.environ, serve=not found.simulator)


def _tokens(found: Settings) -> Tokens:
    return Tokens(found.secret, found.public_url)


def _redis_url(found: Settings) -> str:
    assert found.redis_url is not None, "the supervisor fills in REDIS_URL"
    return found.redis_url


def _rasa_url(found: Settings) -> str:
    assert found.rasa_url is not None, "the supervisor fills in RASA_URL"
    return found.rasa_url


def _guard(found: Settings) -> Guard:
    """With the simulator webhooks may go to this machine: that is where one is tried out."""
    words = (*found.webhook_networks, *(("127.0.0.0/8", "::1/128") if found.simulator else ()))
    host = urlsplit(found.public_url).hostname
    return Guard(networks(words), frozenset({host} if host else ()))


async def gateway(found: Settings) -> Gateway:
    """The public side. Opens no connection: it accepts before anything else is there."""
    accounts = _accounts(found)
    redis = connect(_redis_url(found))
    ledger = open_ledger(found.database_url)
    dialogue = RasaDialogue(_rasa_url(found))
    shop_channels = ShopChannels(accounts, found, RedisContentCache(redis))

    async def facts() -> Mapping[str, Any]:
        async def store() -> Mapping[str, Any]:
            known = await durability(redis)
            return {"redis": "ok", "durability": known.level.value, "redis_version": known.version}

        async def book() -> Mapping[str, Any]:
            async with ledger.reading() as connection:
                # Not before its tables are there: `prepare` runs beside the gateway.
                await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            return {"ledger": "ok", "ledger_version": ledger.version}

        told: dict[str, Any] = {"redis": "down", "durability": "unknown", "ledger": "down"}
        for answer in await asyncio.gather(store(), book(), return_exceptions=True):
            if not isinstance(answer, BaseException):
                told |= answer
        return told

    async def acknowledge(shop: str, callback_id: str) -> None:
        # Only here: loading the library takes seconds, and the gateway accepts before anybody taps.
        from bot.channels.telegram import Telegram

        channel = shop_channels.of(ShopId(shop), ChannelName.TELEGRAM)
        if isinstance(channel, Telegram):
            await channel.acknowledge(callback_id)

    async def close() -> None:
        await asyncio.gather(shop_channels.close(), dialogue.close(), redis.aclose(), ledger.close())

    lanes, board, journal, backlog = RedisLanes(redis), RedisHealthBoard(redis), RedisJournal(redis), RedisBacklog(redis)
    sources = figures.Sources(
        lanes=backlog.totals,
        journal=journal.lag,
        ledger=partial(unfinished, ledger),
        model=dialogue.ready,
        board=board,
        accounts={account_key(name, one): name.value for have in accounts.values() for name, one in have.items()},
    )

    workers = dict(zip(settings.worker_names(len(found.metrics_addresses)), found.metrics_addresses, strict=True))

    async def numbers() -> bytes:
        return await figures.page(METRICS, sources, workers)

    return Gateway(
        public_url=found.public_url,
        secret=found.secret,
        lanes=MeasuredLanes(lanes),
        codec=codec,
        tokens=_tokens(found),
        board=board,
        shops=LedgerShops(ledger, accounts),
        clock=SystemClock(),
        metrics=METRICS,
        numbers=numbers,
        doors=Doors(lambda: accounts, found.public_url),
        reads=LedgerReads(ledger),
        keys=LedgerKeys(ledger),
        ledger=ledger,
        feed=FeedWatch(LedgerFeed(ledger)),
        guard=_guard(found),
        limits=RedisLimits(redis),
        dialogue_ready=dialogue.ready,
        forget=dialogue.forget,
        facts=facts,
        acknowledge=acknowledge,
        keep_raw=RedisSurprises(redis).keep,
        payments=PaymentDoors(_payment_accounts(found), LedgerSettling(ledger)),
        drills=Drills(found.data_dir, found.shops_dir),
        console=Console(
            files=KeptFiles(found.data_dir / "media"),
            ledger=ledger,
            users=LedgerUsers(ledger),
            audit=LedgerAudit(ledger),
            sessions=RedisSessions(redis),
            throttle=RedisThrottle(redis, found.secret),
            simulator=found.simulator,
        ),
        close=close,
    )


JOB_LEASE = 15.0
CATCH_UP_BACK = 900.0
"""Seconds that are listed again and again while our own way in is closed."""


def _alone(leases: RedisLeases, name: str, run: Job) -> Job:
    """Run a job only while holding its lease: one holder over all workers."""

    async def job(stop: asyncio.Event) -> None:
        token = await leases.acquire(name, JOB_LEASE)
        if token is None:
            return
        task = asyncio.ensure_future(run(stop))
        try:
            while not task.done():
                await asyncio.wait([task], timeout=JOB_LEASE / 3)
                if not task.done() and not await leases.renew(name, token, JOB_LEASE):
                    return
            await task
        finally:
            task.cancel()
            await leases.release(name, token)

    return job


def _show_metrics(address: str) -> None:
    try:
        exposition.listen(address)
    except OSError as error:
        # Figures are worth less than answers.
        log.error("metrics.not_shown", address=address, detail=error.strerror)


@asynccontextmanager
async def worker() -> AsyncIterator[tuple[Desk, list[Job]]]:
    """The worker's desk and its one-holder jobs."""
    found = settings.of_child(os.environ)
    logs.configure("worker", found.secret, show_errors=found.simulator)
    for address in found.metrics_addresses:
        _show_metrics(address)
    accounts = _accounts(found)
    redis = connect(_redis_url(found))
    ledger = open_ledger(found.database_url)
    dialogue = RasaDialogue(_rasa_url(found))
    shop_channels = ShopChannels(accounts, found, RedisContentCache(redis))
    records = LedgerRecords(ledger)
    files = MediaFolder(
        KeptFiles(found.data_dir / "media"),
        accounts,
        twilio_api_url=found.twilio_api_url,
        telegram_api_url=found.telegram_api_url,
    )
    lanes, tokens, clock = MeasuredLanes(RedisLanes(redis)), _tokens(found), SystemClock()
    shops = LedgerShops(ledger, accounts)
    desk = Desk(
        lanes=lanes,
        board=RedisHealthBoard(redis),
        dialogue=MeasuredDialogue(dialogue),
        channels=MeasuredChannels(shop_channels),
        shops=shops,
        records=records,
        codec=codec,
        clock=clock,
        tokens=tokens,
        permits=Permits(),
        files=files,
        meter=RedisMeter(redis),
    )
    outages = LedgerOutages(ledger, shops)
    leases = RedisLeases(redis)
    probe = httpx.AsyncClient(timeout=2.0, trust_env=False)

    async def gateway_life() -> str | None:
        try:
            answer = await probe.get(f"{found.gateway_url}/healthz")
        except httpx.HTTPError:
            return None
        return answer.text if answer.status_code == httpx.codes.OK else None

    async def listen_back(stop: asyncio.Event) -> None:
        async def run(since: float) -> int:
            return await catch_up(lanes, codec, tokens, shop_channels.inboxes(), since, clock.now())

        await keep_up(clock, gateway_life, run)

    async def reachable() -> bool:
        try:
            answer = await probe.get(f"{found.public_url}/healthz")
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    async def catch_up_now() -> None:
        now = clock.now()
        await catch_up(lanes, codec, tokens, shop_channels.inboxes(), now - CATCH_UP_BACK, now)

    shop_channels.all()  # Providers' libraries take a second to load: now, and not while a shopper waits.
    resting, told = LedgerResting(ledger), set[LaneId]()

    async def nudge_one(account: str) -> bool:
        for (shop, name), channel in shop_channels.all().items():
            if channel.account == account and await nudge(lanes, codec, resting, shop, name, told, clock.now()):
                return True
        return False

    feeds = [
        status_feeds.StatusFeed(domain, url, read)
        for domain, url, read in (
            ("twilio", found.twilio_status_url, status_feeds.twilio),
            ("meta", found.meta_status_url, status_feeds.meta),
        )
        if url is not None
    ]

    async def watch_outside(stop: asyncio.Event) -> None:
        everything = list(shop_channels.all().values())
        outside = Outside(
            everything, reachable, catch_up_now, nudge_one, feeds, shop_channels.canaries(clock, tokens)
        )
        await Prober(desk.board, clock, outside).run(stop)

    async def keep_history(stop: asyncio.Event) -> None:
        every = {place: (one.account, one.domains) for place, one in shop_channels.all().items()}
        await HealthHistory(ledger, RedisHealthBoard(redis), concerned_by(every)).run(stop)
    hooks = HookClient(_guard(found))

    async def tell(stop: asyncio.Event) -> None:
        await keep_telling(LedgerOrderNews(ledger), lanes, codec, clock, stop)

    async def restorations(stop: asyncio.Event) -> None:
        await keep_restoring(RedisLosses(redis), records, lanes, codec, clock, stop)

    async def introductions(stop: asyncio.Event) -> None:
        await introduce(shop_channels.introducible(), clock)
        await stop.wait()

    tills = ShopPayments(_payment_accounts(found), found)
    collector = Collector(LedgerCheckouts(ledger), LedgerSettling(ledger), tills, lanes, codec, clock)
    jobs = [
        _alone(leases, "payments", collector.run),
        _alone(leases, "projector", Projector(RedisJournal(redis), records).run),
        _alone(leases, "restore", restorations),
        _alone(leases, "numbering", Numberer(ledger).run),
        _alone(leases, "order-news", tell),
        _alone(leases, "incidents", lambda stop: keep_incidents(desk, outages, stop)),
        _alone(leases, "reach-out", lambda stop: keep_reaching(desk, outages, stop)),
        _alone(leases, "alerts", lambda stop: keep_alerting(desk, outages, stop)),
        _alone(leases, "webhooks", Sender(LedgerDeliveries(ledger), hooks, found.secret).run),
        _alone(leases, "housekeeping", Housekeeping(ledger).run),
        _alone(leases, "catch-up", listen_back),
        _alone(leases, "probe", watch_outside),
        _alone(leases, "health-history", keep_history),
    ]
    if not found.simulator:  # whose bots know where they bring updates
        jobs.append(_alone(leases, "introductions", introductions))
    try:
        yield desk, jobs
    finally:
        await asyncio.gather(
            *(feed.close() for feed in feeds),
            shop_channels.close(),
            dialogue.close(),
            files.close(),
            hooks.close(),
            tills.close(),
            probe.aclose(),
            redis.aclose(),
            ledger.close(),
        )


class NotDurable(Exception):
    """With real shoppers, a store that loses what was acknowledged is refused."""


async def prepare(found: Settings, say: Callable[[str], None]) -> None:
    """Bring the ledger up to date, import the shops, and with the simulator make one demo key a shop.

    Without the simulator the store is looked at first. Raises NotDurable, ShopFilesError, Unavailable.
    """
    # Only here: Alembic takes longer to load than the gateway may take to accept.
    from bot.ledger.importing import import_shops
    from bot.ledger.schema import upgrade_to_head

    if not found.simulator:
        await _refuse_what_forgets(_redis_url(found))
    await upgrade_to_head(found.database_url)
    ledger = open_ledger(found.database_url)
    try:
        for shop in await import_shops(ledger, found.shops_dir):
            for field in shop.kept:
                say(f"{shop.shop_id}: kept {field} as it was changed here (--replace overwrites)")
        if found.simulator:
            await demo_users(ledger, found.data_dir / "demo-users.json")
            await _demo_keys(ledger, found.data_dir / "demo-keys.json", found)
        elif demos := await LedgerUsers(ledger).demos():
            raise SettingsError(
                [f"demo user {login} in the ledger: relais users remove --demo" for login in demos]
            )
    finally:
        await ledger.close()


async def _refuse_what_forgets(url: str) -> None:
    redis = connect(url)
    try:
        complaint = (await durability(redis)).complaint
    finally:
        await redis.aclose()
    if complaint is not None:
        raise NotDurable(f"REDIS_URL: {complaint}")


DEMO_RATE = 60_000
"""Requests a minute: the phones page, and many hands at once, read with the demo's key."""


async def _demo_keys(ledger: Ledger, place: Path, found: Settings) -> None:
    """Keys of the demo, in a file only this user can read. Made once."""
    keys = LedgerKeys(ledger)
    known: dict[str, str] = json.loads(place.read_text()) if place.exists() else {}
    for shop in await LedgerShops(ledger, {}).ids():
        if shop not in known or await keys.verify(known[shop]) is None:
            known[shop] = await keys.create(shop, "demo", live=False, rate_per_minute=DEMO_RATE)
    place.touch(mode=0o600)
    place.write_text(json.dumps(known, indent=2))


async def demo_users(ledger: Ledger, place: Path) -> None:
    """An owner of each shop for the demo, in a file only this user can read; the supervisor tells them. Made once."""
    users, passwords = LedgerUsers(ledger), Passwords()
    known: dict[str, dict[str, str]] = json.loads(place.read_text()) if place.exists() else {}
    for shop in await LedgerShops(ledger, {}).ids():
        login = f"demo@{shop}"
        found = await users.by_login(login)
        if found is None or shop not in known:
            password = f"{secrets.choice(('pagne', 'foulard', 'marche', 'soleil'))}-{secrets.token_hex(4)}"
            known[shop] = {"login": login, "password": password}
            digest = await passwords.hash(password)
            if found is None:
                await users.create(shop, login, "Démo", Role.OWNER, password_hash=digest, demo=True)
            else:
                await users.set_password(found[0].id, digest)
    place.touch(mode=0o600)
    place.write_text(json.dumps(known, indent=2))
