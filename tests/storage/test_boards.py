"""Health and single-holder leases: one step each, the same in memory and on Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from bot.core import health
from bot.core.addresses import ChannelName, ShopId
from bot.core.health import AccountHealth, Evidence, Kind, State
from bot.ports import Unavailable
from bot.storage.memory import MemoryHealthBoard, MemoryLeases
from bot.storage.redis import RedisHealthBoard, RedisLeases
from tests.storage.stores import ManualClock

ACCOUNT = "twilio:AC1:whatsapp"
SHOP = ShopId("wax")
NOW = 1_700_000_000.0
FAULTS = [Evidence(NOW + n, Kind.FAULT, f"recipient-{n}", "63016") for n in range(8)]


class Clocks:
    """Moves the time of either kind of store."""

    def __init__(self, redis: Redis) -> None:
        self.clock, self.redis = ManualClock(), redis

    async def advance(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        for key in await self.redis.keys("relais:*"):
            left = await self.redis.pttl(key)
            if left > 0:
                await self.redis.pexpire(key, max(0, left - round(seconds * 1000)))


@pytest.fixture
def clocks(client: Redis) -> Clocks:
    return Clocks(client)


@pytest.fixture(params=["memory", "redis"])
def board(request: pytest.FixtureRequest, clocks: Clocks) -> MemoryHealthBoard | RedisHealthBoard:
    return MemoryHealthBoard(clocks.clock) if request.param == "memory" else RedisHealthBoard(clocks.redis)


@pytest.fixture(params=["memory", "redis"])
def leases(request: pytest.FixtureRequest, clocks: Clocks) -> MemoryLeases | RedisLeases:
    return MemoryLeases(clocks.clock) if request.param == "memory" else RedisLeases(clocks.redis)


Board = MemoryHealthBoard | RedisHealthBoard
Leases = MemoryLeases | RedisLeases


def folded(evidence: list[Evidence]) -> AccountHealth:
    state = AccountHealth()
    for one in evidence:
        state = health.observe(state, one)
    return state


async def test_an_unknown_account_is_healthy(board: Board) -> None:
    assert await board.read([]) == {}
    assert await board.read(["a", "b"]) == {"a": AccountHealth(), "b": AccountHealth()}


async def test_evidence_adds_up_as_the_core_says(board: Board) -> None:
    changes = [await board.observe(ACCOUNT, one) for one in FAULTS]
    assert await board.read([ACCOUNT]) == {ACCOUNT: folded(FAULTS)}
    assert folded(FAULTS).state is State.DOWN
    assert [change.new for change in changes if change] == [State.SUSPECT, State.DOWN]


async def test_changes_are_told_once_and_in_order(board: Board) -> None:
    for one in FAULTS:
        await board.observe(ACCOUNT, one)
    told = await board.transitions()
    assert [(t.key, t.old, t.new) for _, t in told] == [
        (ACCOUNT, State.UP, State.SUSPECT),
        (ACCOUNT, State.SUSPECT, State.DOWN),
    ]
    assert await board.transitions(count=1) == told[:1]
    assert await board.transitions(after=told[0][0]) == told[1:]
    assert await board.transitions(after=told[-1][0]) == []


async def test_a_force_stands_until_auto(board: Board) -> None:
    await board.force(SHOP, ChannelName.WHATSAPP, "down", "essai", NOW)
    key = f"{SHOP}/whatsapp"
    forced = (await board.read([key]))[key]
    assert (forced.forced, forced.forced_reason, forced.since) == ("down", "essai", NOW)
    assert health.effective(AccountHealth(), forced) is State.DOWN
    await board.force(SHOP, ChannelName.WHATSAPP, "auto", "fini", NOW + 1)
    assert (await board.read([key]))[key].forced is None


async def test_an_operators_word_on_a_domain_stands_above_what_is_measured_and_ends_by_itself(
    board: Board, clocks: Clocks
) -> None:
    key = health.domain_key("meta")
    now = clocks.clock.now()
    await board.force_domain("meta", "down", "panne annoncée", now, "awa", now + 3600)
    await board.observe(key, Evidence(now, Kind.WORKS, "r"))
    forced = (await board.read([key]))[key]
    assert (forced.state, forced.forced_reason, forced.forced_by) == (State.DOWN, "meta : panne annoncée", "awa")
    assert health.worst(AccountHealth(), [forced]) == forced
    await clocks.advance(3599)
    assert (await board.read([key]))[key].state is State.DOWN
    await clocks.advance(2)
    after = (await board.read([key]))[key]
    assert (after.state, after.forced) == (State.UP, None)


async def test_what_is_no_domain_is_not_forced(board: Board) -> None:
    with pytest.raises(ValueError, match="fault domain"):
        await board.force_domain("ingress", "down", "x", NOW, "awa")


async def test_a_force_of_another_word_is_a_bug(board: Board) -> None:
    with pytest.raises(ValueError, match="up, down, auto"):
        await board.force(SHOP, ChannelName.SMS, "off", "", NOW)


async def test_a_probe_is_allowed_once_in_its_time(board: Board, clocks: Clocks) -> None:
    assert [await board.may_probe(ACCOUNT, 15), await board.may_probe(ACCOUNT, 15)] == [True, False]
    assert await board.may_probe("another", 15)
    await clocks.advance(16)
    assert await board.may_probe(ACCOUNT, 15)


WALK = [
    Evidence(NOW + n, kind, f"recipient-{n % 4}", "63016", began_at=NOW + n - 1)
    for n, kind in enumerate([Kind.WORKS, Kind.HEARD, Kind.SILENT, Kind.SENT, Kind.UNDELIVERED] * 4)
] + [Evidence(NOW + 30 + n, Kind.FAULT, f"recipient-{n}", source=f"account-{n % 2}") for n in range(6)]


@pytest.mark.parametrize("key", [ACCOUNT, health.domain_key("meta"), health.domain_key(health.INGRESS)])
async def test_memory_and_redis_know_the_same_after_any_evidence(key: str, clocks: Clocks) -> None:
    """The pair: what one kind of board says at each step, the other says as well."""
    memory, redis = MemoryHealthBoard(clocks.clock), RedisHealthBoard(clocks.redis)
    changes = 0
    for one in WALK:
        told = [await board.observe(key, one) for board in (memory, redis)]
        assert told[0] == told[1]
        assert await memory.read([key]) == await redis.read([key])
        changes += told[0] is not None
    assert changes >= 2
    assert [change for _, change in await memory.transitions()] == [
        change for _, change in await redis.transitions()
    ]


async def test_a_domain_is_judged_as_a_domain(board: Board) -> None:
    """The same faults of one account: an account is down, a domain that several share is not."""
    alone = [Evidence(NOW + n, Kind.FAULT, f"recipient-{n}", source=ACCOUNT) for n in range(8)]
    for one in alone:
        await board.observe(ACCOUNT, one)
        await board.observe(health.domain_key("meta"), one)
    known = await board.read([ACCOUNT, health.domain_key("meta")])
    assert [one.state for one in known.values()] == [State.DOWN, State.SUSPECT]


async def test_what_is_known_outlives_the_process(client: Redis) -> None:
    for one in FAULTS:
        await RedisHealthBoard(client).observe(ACCOUNT, one)
    again = (await RedisHealthBoard(client).read([ACCOUNT]))[ACCOUNT]
    assert again == folded(FAULTS)


async def test_rival_processes_lose_no_evidence(client: Redis) -> None:
    boards = [RedisHealthBoard(client) for _ in range(4)]
    observed = [Evidence(NOW, Kind.FAULT, f"recipient-{n}") for n in range(health.KEPT)]
    await asyncio.gather(*(boards[n % 4].observe(ACCOUNT, one) for n, one in enumerate(observed)))
    kept = (await boards[0].read([ACCOUNT]))[ACCOUNT].evidence
    assert {one.recipient for one in kept} == {one.recipient for one in observed}


async def test_what_is_told_at_once_is_written_together(client: Redis) -> None:
    board = RedisHealthBoard(client)
    await board.observe(ACCOUNT, FAULTS[0])
    before = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]
    quiet = [Evidence(NOW + 1 + n / 100, Kind.HEARD, f"recipient-{n}") for n in range(200)]
    assert await asyncio.gather(*(board.observe(ACCOUNT, one) for one in quiet)) == [None] * 200
    assert (await client.info("commandstats"))["cmdstat_evalsha"]["calls"] - before < 10
    assert (await board.read([ACCOUNT]))[ACCOUNT] == folded([FAULTS[0], *quiet])


async def test_each_change_within_what_is_told_at_once_is_a_row(client: Redis) -> None:
    board = RedisHealthBoard(client)
    changes = await asyncio.gather(*(board.observe(ACCOUNT, one) for one in FAULTS))
    alone = MemoryHealthBoard()
    assert changes == [await alone.observe(ACCOUNT, one) for one in FAULTS]
    assert [row for _, row in await board.transitions()] == [change for change in changes if change]


async def test_evidence_of_a_lane_that_was_taken_away_stops_nobody(client: Redis) -> None:
    board = RedisHealthBoard(client)
    tasks = [asyncio.create_task(board.observe(ACCOUNT, one)) for one in FAULTS]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [n % 2 == 0 for n in range(len(FAULTS))]
    kept = (await board.read([ACCOUNT]))[ACCOUNT].evidence
    assert {one.recipient for one in FAULTS[1::2]} <= {one.recipient for one in kept}


async def test_rivals_cause_a_change_of_state_once(client: Redis) -> None:
    boards = [RedisHealthBoard(client) for _ in range(3)]
    changes = await asyncio.gather(*(boards[n % 3].observe(ACCOUNT, one) for n, one in enumerate(FAULTS)))
    assert sorted(c.new for c in changes if c) == [State.DOWN, State.SUSPECT]
    assert len(await boards[0].transitions()) == 2


async def test_health_is_unavailable_when_redis_is_gone() -> None:
    board, leases = RedisHealthBoard("redis://127.0.0.1:1/0"), RedisLeases("redis://127.0.0.1:1/0")
    for call in (board.read(["a"]), board.observe("a", FAULTS[0]), leases.acquire("a", 1)):
        with pytest.raises(Unavailable):
            await call
    await board.close()
    await leases.close()


async def test_one_holder_at_a_time(leases: Leases) -> None:
    token = await leases.acquire("projector", 10)
    assert token is not None
    assert await leases.acquire("projector", 10) is None
    assert await leases.acquire("numbering", 10) is not None
    await leases.release("projector", token)
    again = await leases.acquire("projector", 10)
    assert again is not None and again != token


async def test_a_lost_lease_can_neither_be_renewed_nor_released(leases: Leases, clocks: Clocks) -> None:
    old = await leases.acquire("projector", 10)
    assert old is not None
    await clocks.advance(11)
    assert not await leases.renew("projector", old, 10)
    new = await leases.acquire("projector", 10)
    assert new is not None
    assert not await leases.renew("projector", old, 10)
    await leases.release("projector", old)
    assert await leases.acquire("projector", 10) is None
    assert await leases.renew("projector", new, 10)


async def test_a_renewed_lease_lasts_longer(leases: Leases, clocks: Clocks) -> None:
    token = await leases.acquire("projector", 10)
    assert token is not None
    await clocks.advance(8)
    assert await leases.renew("projector", token, 10)
    await clocks.advance(8)
    assert await leases.acquire("projector", 10) is None
