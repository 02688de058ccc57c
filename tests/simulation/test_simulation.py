"""A market under faults, in virtual time: whatever goes wrong, the laws of ``judge`` hold.

A failing seed is printed; ``RELAIS_SEED=n`` plays it alone. ``make soak`` plays many more.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
import structlog

from bot.core.addresses import PARTITIONS
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
    else list(range(8))
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


def market(seed: int, plan: Plan | None = None, **more: object) -> Market:
    return Market(seed, plan or draw(Seeds(seed).stream("plan")), **more)  # type: ignore[arg-type]


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
    played = market(1, plan, shoppers=24)
    assert run(tried(played)) == []
    assert {kind for kind in KINDS if played.struck[f"fault: {kind}"] == 0} == set()
    hit = Counter({name: n for name, n in played.struck.items() if not name.startswith("fault:")})
    assert {"store down", "rasa down", "ledger down", "the store's answer lost", "rasa died after the action"} <= set(hit)
    assert any(name.startswith("died during a call") for name in hit)
    assert {"whatsapp late flood", "whatsapp callback lost", "whatsapp webhook lost"} <= set(hit)


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
    tuple(Fault(60.0 + 45 * n, "freeze worker", 14.0, f"worker-{1 + n % 2}") for n in range(60))
    + tuple(Fault(75.0 + 40 * n, "kill worker", 1.0, f"worker-{1 + n % 2}") for n in range(60))
    + (Fault(30.0, "webhooks repeated", 2500.0),),
    last_seconds=3600.0,
)


@pytest.mark.parametrize("wrong", [Unfenced, PopsFirst, ForgetsSeen])
def test_a_wrong_store_is_found_out(wrong: type[SimulatedLanes]) -> None:
    plan = Plan(tuple(sorted(ROUGH.faults, key=lambda fault: fault.at)), ROUGH.last_seconds, after_seconds=1800.0)
    assert any(run(tried(market(seed, plan, lanes_type=wrong))) for seed in range(4))


def test_the_rough_plan_harms_no_right_store() -> None:
    plan = Plan(tuple(sorted(ROUGH.faults, key=lambda fault: fault.at)), ROUGH.last_seconds)
    assert run(tried(market(0, plan))) == []


def test_partitions_are_all_watched() -> None:
    """Shoppers of a run land in many partitions: one that nobody looks at would be noticed."""
    assert len({int(lane[:2], 16) % PARTITIONS for lane in _lanes(20)}) > 10


def _lanes(shoppers: int) -> list[str]:
    played = market(3, Plan((), last_seconds=600.0), shoppers=shoppers)
    assert run(tried(played)) == []
    return list(played.lanes.states())
