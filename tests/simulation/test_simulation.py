"""A market under faults, in virtual time: whatever goes wrong, the laws of ``judge`` hold.

A failing seed is printed; ``RELAIS_SEED=n`` plays it alone. ``make soak`` plays many more.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog

from bot.ports import Commit, Lease, LostLease
from tests.simulation.judge import tried
from tests.simulation.market import Market
from tests.simulation.plan import KINDS, Fault, Plan, draw
from tests.simulation.store import SimulatedLanes
from tests.simulation.virtual import Seeds, run

LARGE = os.environ.get("RELAIS_TEST_SIZE") == "large"
SEEDS = (
    [int(os.environ["RELAIS_SEED"])]
    if "RELAIS_SEED" in os.environ
    else random.Random().sample(range(10**9), 1000)
    if LARGE
    else list(range(6))
)


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Simulated workers die by the dozen: what they say of it is not news."""

    def drop(_: object, __: str, ___: object) -> structlog.typing.EventDict:
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[drop])
    yield
    structlog.configure(**before)


def market(seed: int, plan: Plan | None = None, shoppers: int = 12 if LARGE else 5, **more: object) -> Market:
    return Market(seed, plan or draw(Seeds(seed).stream("plan")), shoppers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_laws_hold(seed: int) -> None:
    assert run(tried(market(seed))) == []


def test_the_same_seed_is_the_same_history() -> None:
    plan = draw(Seeds(7).stream("plan"), seconds=900.0, kinds=6)
    first, second = market(7, plan, shoppers=4), market(7, plan, shoppers=4)
    assert run(tried(first)) == run(tried(second))
    assert first.history() == second.history()


def test_every_kind_of_fault_strikes_and_harms_nobody() -> None:
    """All kinds at once, each at least once: a fault that never strikes proves nothing."""
    draws = random.Random("every kind")
    faults = []
    for kind, (_, (short, long), details) in sorted(KINDS.items()):
        faults += [Fault(draws.uniform(60, 5000), kind, draws.uniform(short, long), d) for d in details]
    plan = Plan(tuple(sorted(faults, key=lambda fault: fault.at)), last_seconds=7200.0)
    played = market(1, plan, shoppers=40 if LARGE else 12)
    assert run(tried(played)) == []
    assert {kind for kind in KINDS if played.struck[f"fault: {kind}"] == 0} == set()
    hit = {name for name in played.struck if not name.startswith("fault:")}
    assert len(hit) >= 10, hit
    if LARGE:
        # With few shoppers a short fault may find nobody at work.
        assert {f"{party} down" for party in ("store", "rasa", "ledger")} <= hit
        assert {"the store's answer lost", "rasa died after the action", "whatsapp late flood"} <= hit
        assert any(name.startswith("died during a call") for name in hit)


# --- the laws can fire: stores that are wrong on purpose ---------------------------------------------------------


class Unfenced(SimulatedLanes):
    """Commits whatever lease it is shown."""

    async def commit(self, lease: Lease, commit: Commit) -> None:
        record = self._record(lease.lane)
        token = record.token
        record.token = lease.token
        try:
            await super().commit(lease, commit)
        except LostLease:
            pass
        finally:
            if record.token is not None:
                record.token = token


class PopsFirst(SimulatedLanes):
    """Takes items out of the inbox before they are worked on."""

    async def take(self, partition: int) -> Lease | None:
        lease = await super().take(partition)
        if lease is not None:
            self._record(lease.lane).inbox.clear()
        return lease


class ForgetsSeen(SimulatedLanes):
    """Does not know a repeat when it sees one."""

    async def put(self, lane, item_id, item):  # type: ignore[no-untyped-def]
        self._record(lane).seen.clear()
        return await super().put(lane, item_id, item)


ROUGH = Plan(
    tuple(
        sorted(
            [
                Fault(20.0, "webhooks repeated", 800.0),
                Fault(20.0, "network slow", 800.0),
                *(Fault(30.0 + 16 * n, "freeze worker", 14.0, f"worker-{1 + n % 2}") for n in range(50)),
                *(Fault(38.0 + 24 * n, "kill worker", 1.0, f"worker-{1 + n % 2}") for n in range(30)),
            ],
            key=lambda fault: fault.at,
        )
    ),
    last_seconds=900.0,
    after_seconds=3600.0,
)
"""Workers that stand still beyond their lease and go on, or die, all the time; and every webhook again."""


@pytest.mark.parametrize("wrong", [Unfenced, PopsFirst, ForgetsSeen])
def test_a_wrong_store_is_found_out(wrong: type[SimulatedLanes]) -> None:
    hasty = replace(ROUGH, after_seconds=60.0)
    assert any(run(tried(market(seed, hasty, shoppers=8, lanes_type=wrong))) for seed in range(4))


def test_the_same_harms_no_right_store() -> None:
    assert run(tried(market(0, ROUGH, shoppers=8))) == []
