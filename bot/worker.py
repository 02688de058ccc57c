"""The worker process: takes lanes as they become due, keeps their leases alive, and runs the one-holder jobs."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog

from bot.core.addresses import PARTITIONS
from bot.flows import parking
from bot.flows.desk import Desk
from bot.flows.step import step
from bot.metrics import METRICS
from bot.ports import Lease, LostLease, Unavailable

log = structlog.get_logger()

HANDS = 128
"""Lanes in work at once. Far more than any one party's permits, so a party that hangs cannot take all hands."""
TAKERS = 8
"""Partitions asked for lanes at once: one after the other, each answer of the store would be waited for in turn."""
LOOK_EVERY = 0.25
RENEW_EVERY = 3.0
LEASE = 10.0
STAGGER = 0.004
"""Seconds over which the workers that hear of a lane come for it, each in an order of its own, so that they seldom meet."""
PAUSE = 0.5
"""Seconds after the store could not be reached."""


class Worker:
    """Takes and works lanes until told to stop."""

    def __init__(self, desk: Desk, hands: int = HANDS, stagger: float = 0.0) -> None:
        self._desk = desk
        self._hands = asyncio.Semaphore(hands)
        self._due: asyncio.Queue[int] = asyncio.Queue()
        self._queued: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waits = [random.uniform(0.0, stagger) for _ in range(PARTITIONS)]
        self.failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish what is in hand (20 s at most).

        Raises what one of its own loops raised: a worker that takes no more lanes must end and be started again.
        """
        jobs = (self._listen, self._look, *[self._hand_out] * TAKERS)
        stopped = asyncio.create_task(stop.wait())
        helpers = {asyncio.create_task(job()) for job in jobs}
        ended, _ = await asyncio.wait({stopped, *helpers}, return_when=asyncio.FIRST_COMPLETED)
        for helper in {stopped, *helpers}:
            helper.cancel()
        await asyncio.gather(stopped, *helpers, return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=20.0)
        for helper in ended & helpers:
            helper.result()

    def _mark(self, partition: int) -> None:
        if partition not in self._queued:
            self._queued.add(partition)
            self._due.put_nowait(partition)

    async def _listen(self) -> None:
        """Wake-ups come at once; they may be lost, ``_look`` finds what they miss."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async for partition in self._desk.lanes.wakeups():
                    # Who has lanes enough in hand comes later still, and the others have taken it.
                    loop.call_later(self._waits[partition], self._mark, partition)
            except Unavailable:
                await asyncio.sleep(PAUSE)

    async def _look(self) -> None:
        while True:
            try:
                for partition in await self._desk.lanes.due_partitions():
                    self._mark(partition)
            except Unavailable as error:
                log.warning("worker.store_unreachable", detail=str(error))
                await asyncio.sleep(PAUSE)
            await asyncio.sleep(LOOK_EVERY)

    async def _hand_out(self) -> None:
        while True:
            partition = await self._due.get()
            self._queued.discard(partition)
            try:
                await self._drain(partition)
            except Unavailable:
                await asyncio.sleep(PAUSE)

    async def _drain(self, partition: int) -> None:
        """Take every lane of the partition that is due now."""
        while True:
            await self._hands.acquire()
            lease: Lease | None = None
            try:
                lease = await self._desk.lanes.take(partition)
            finally:
                if lease is None:
                    self._hands.release()
            if lease is None:
                return
            task = asyncio.create_task(self._work(lease))
            self._tasks.add(task)
            METRICS.lanes_in_hand.set(len(self._tasks))
            task.add_done_callback(self._finished)
            if not lease.others:
                return

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        METRICS.lanes_in_hand.set(len(self._tasks))
        self._hands.release()

    async def _work(self, lease: Lease) -> None:
        """One lane. Everything is caught here, and the lane kept: it is given back, or comes back when its lease ends."""
        with structlog.contextvars.bound_contextvars(lane=lease.lane):
            job = asyncio.create_task(step(self._desk, lease))
            keeper = asyncio.create_task(self._keep(lease, job))
            try:
                await job
            except asyncio.CancelledError:
                log.warning("worker.lease_lost")
            except LostLease:
                log.warning("worker.lease_lost")
            except Unavailable as error:
                log.warning("worker.unavailable", detail=str(error))
                await self._give_back(lease, 1.0)
            except Exception as error:
                self.failures += 1
                # Tried again with a growing wait, then set aside (``flows.parking``).
                failure = str(error) if isinstance(error, parking.Failed) else parking.place(error)
                log.exception("worker.step_failed", attempts=lease.attempts, failure=failure)
                await self._give_back(lease, parking.wait(lease.attempts), failure)
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper

    async def _keep(self, lease: Lease, job: asyncio.Task[None]) -> None:
        """Renew while the step runs; when the lease is gone, so is the step."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                async with asyncio.timeout(LEASE - 2 * RENEW_EVERY):
                    await self._desk.lanes.renew(lease)
            except (LostLease, Unavailable, TimeoutError):
                job.cancel()
                return

    async def _give_back(self, lease: Lease, due_in: float, failure: str | None = None) -> None:
        with contextlib.suppress(Unavailable):
            await self._desk.lanes.release(lease, due_in=due_in, failure=failure)


Job = Callable[[asyncio.Event], Awaitable[None]]


async def serve(worker: Worker, jobs: list[Job], stop: asyncio.Event) -> None:
    """Run the worker beside its one-holder jobs until stopped."""
    others = [asyncio.create_task(_keep_running(job, stop)) for job in jobs]
    await worker.run(stop)
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _keep_running(job: Job, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await job(stop)
        except Unavailable as error:
            log.warning("worker.job_unavailable", detail=str(error))
        except Exception:
            log.exception("worker.job_failed")
        await asyncio.sleep(1.0)


async def main() -> None:
    from bot import wiring

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with wiring.worker() as (desk, jobs):
        log.info("worker.ready")
        await serve(Worker(desk, stagger=STAGGER), jobs, stop)


if __name__ == "__main__":
    import uvloop

    sys.exit(uvloop.run(main()))
