"""Every stage of the route is counted, figures stand without the worker, and two processes are one page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from bot.core.addresses import partition_of
from bot.core.health import Evidence, Kind
from bot.ledger.backlog import unfinished
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.schema import upgrade
from bot.metrics import Metrics, exposition
from bot.metrics.measured import MeasuredChannels, MeasuredDialogue, MeasuredLanes
from bot.ports import Commit, Parked, ParkedKind, TurnFailed, Unavailable
from bot.storage.redis import RedisBacklog, RedisHealthBoard, RedisJournal, RedisLanes, connect
from bot.web import figures
from tests.flows.world import REFUSED, Waiter, World
from tests.storage.servers import running

LANE = World().lane()


def value(text: bytes, name: str, **labels: str) -> float | None:
    """Of one sample in an exposition; None: it is not shown."""
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    with running(tmp_path) as url:
        client = connect(url)
        yield client
        await client.aclose()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = open_ledger(f"sqlite+aiosqlite:///{tmp_path}/relais.db")
    await upgrade(ledger)
    yield ledger
    await ledger.close()


async def test_a_conversations_way_through_the_worker_is_counted() -> None:
    world, metrics = World(), Metrics()
    world.desk = replace(
        world.desk,
        lanes=MeasuredLanes(world.lanes, metrics),
        dialogue=MeasuredDialogue(world.waiter, metrics),
        channels=MeasuredChannels(world.desk.channels, metrics),
    )
    measured = MeasuredLanes(world.lanes, metrics)
    world.lanes = measured  # type: ignore[assignment]
    await world.write("2 pagnes")
    world.whatsapp.outcome = REFUSED
    await world.write("Bonjour")
    text = metrics.text()
    assert value(text, "relais_turn_seconds_count", outcome="answered") == 2
    assert value(text, "relais_send_seconds_count", channel="whatsapp", outcome="accepted") == 1
    assert value(text, "relais_send_seconds_count", channel="whatsapp", outcome="refused") == 1
    assert value(text, "relais_store_seconds_count", operation="put") == 3, "two messages, and the SMS's receipt"
    takes = value(text, "relais_lane_wait_seconds_count")
    assert takes is not None and takes >= 2


async def test_a_turn_that_fails_is_told_from_one_that_cannot_be_asked() -> None:
    metrics = Metrics()

    class Failing(Waiter):
        error: Exception = TurnFailed("bug")

        async def ask(self, turn: object) -> object:  # type: ignore[override]
            raise self.error

    waiter = Failing()
    measured = MeasuredDialogue(waiter, metrics)  # type: ignore[arg-type]
    for error in (TurnFailed("bug"), Unavailable("away"), ValueError()):
        waiter.error = error
        with pytest.raises(type(error)):
            await measured.ask(object())  # type: ignore[arg-type]
    assert value(metrics.text(), "relais_turn_seconds_count", outcome="failed") == 2
    assert value(metrics.text(), "relais_turn_seconds_count", outcome="unavailable") == 1


async def test_a_lane_that_waited_shows_for_how_long_and_what_it_parked(redis: Redis) -> None:
    metrics = Metrics()
    lanes = MeasuredLanes(RedisLanes(redis, lease_seconds=0.05), metrics)
    await lanes.put(LANE, "1", b"1")
    lease = await lanes.take(partition_of(LANE))
    assert lease is not None and 0 <= lease.late < 5
    parked = Parked(LANE, "1", b"1", ParkedKind.ITEM, "x", 5, 0.0)
    await lanes.commit(lease, Commit(b"", ("1",), None, parked=(parked,)))
    assert value(metrics.text(), "relais_items_parked_total", kind="item") == 1
    assert value(metrics.text(), "relais_lane_wait_seconds_count") == 1


async def test_figures_are_read_from_store_and_ledger(redis: Redis, ledger: Ledger) -> None:
    lanes, board = RedisLanes(redis), RedisHealthBoard(redis)
    await lanes.put(LANE, "1", b"1")
    lease = await lanes.take(partition_of(LANE))
    assert lease is not None
    await lanes.commit(lease, Commit(b"s", (), lease.now, journal=b"entry"))

    async def model() -> bool:
        return False

    sources = figures.Sources(
        RedisBacklog(redis).totals,
        RedisJournal(redis).lag,
        lambda: unfinished(ledger),
        model,
        board,
        {"telegram:7": "telegram"},
    )
    text = await figures.page(Metrics(), sources, {})
    shown = {
        ("relais_up", "redis"): 1,
        ("relais_up", "ledger"): 1,
        ("relais_up", "model"): 0,
    }
    assert {(name, party): value(text, name, party=party) for name, party in shown} == shown
    assert [value(text, f"relais_{name}") for name in ("lanes_due", "journal_entries", "parked", "outbox_events")] == [
        1, 1, 0, 0,
    ]
    assert value(text, "relais_channel_accounts", channel="telegram", state="up") == 1
    assert b"relais_account_trouble{" not in text
    assert b"relais_worker_up" not in text


async def test_an_account_in_trouble_is_named_by_the_end_of_its_number(redis: Redis, ledger: Ledger) -> None:
    board = RedisHealthBoard(redis)
    numbers = ("+2250700000042", "+2250500000042", "+2250100001234")
    accounts = {f"whatsapp:AC1:{number}": "whatsapp" for number in numbers}
    for account in accounts:
        for second in range(8):
            await board.observe(account, Evidence(1e9 + second, Kind.FAULT, f"recipient-{second}", "63016"))

    async def model() -> bool:
        return True

    sources = figures.Sources(
        RedisBacklog(redis).totals,
        RedisJournal(redis).lag,
        lambda: unfinished(ledger),
        model,
        board,
        accounts,
    )
    text = await figures.page(Metrics(), sources, {})
    trouble = {"channel": "whatsapp", "state": "down"}
    assert value(text, "relais_account_trouble", account="0042", **trouble) == 2
    assert value(text, "relais_account_trouble", account="1234", **trouble) == 1
    assert text.count(b"relais_account_trouble{") == 2
    assert [number for number in numbers if number[1:].encode() in text] == []


async def test_what_is_away_is_left_out_and_the_rest_is_shown(ledger: Ledger) -> None:
    gone = connect("redis://127.0.0.1:1/0")

    async def model() -> bool:
        raise Unavailable("rasa")

    sources = figures.Sources(
        RedisBacklog(gone).totals,
        RedisJournal(gone).lag,
        lambda: unfinished(ledger),
        model,
        RedisHealthBoard(gone),
        {"telegram:7": "telegram"},
    )
    text = await figures.page(Metrics(), sources, {"worker": "127.0.0.1:1"})
    await gone.aclose()
    assert [value(text, "relais_up", party=party) for party in ("redis", "ledger", "model")] == [0, 1, 0]
    assert value(text, "relais_worker_up", process="worker") == 0
    assert value(text, "relais_outbox_events") == 0
    assert b"relais_lanes_due" not in text


async def test_the_workers_metrics_are_shown_beside_the_gateways() -> None:
    gateway, worker = Metrics(), Metrics()
    gateway.trouble.labels("redis").inc()
    worker.trouble.labels("redis").inc(3)
    worker.turn_seconds.labels("answered").observe(0.1)
    server = exposition.listen("127.0.0.1:0", worker)
    try:
        theirs = await figures._fetch(f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    text = exposition.together(gateway.registry, [Metric("relais_more", "More", "gauge")], {"worker": theirs})
    assert value(text, "relais_trouble_total", party="redis") == 1
    assert value(text, "relais_trouble_total", party="redis", process="worker") == 3
    assert value(text, "relais_turn_seconds_count", outcome="answered", process="worker") == 1
    assert text.count(b"# TYPE relais_trouble_total ") == 1


def test_no_label_names_a_shop_or_a_person() -> None:
    labels = {name for family in Metrics().registry.collect() for sample in family.samples for name in sample.labels}
    assert not labels & {"shop", "shop_id", "lane", "conversation", "customer", "address"}
