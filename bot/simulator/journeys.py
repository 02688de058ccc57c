"""What happens to a Twilio message after the API said 201: queued, sent, delivered, read, or failed.

Every step may be stopped by a switch; statuses are reported to the message's `StatusCallback`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from bot.simulator.content import problem_when_sent
from bot.simulator.faults import Faults
from bot.simulator.phones import Person, TwilioMessage, World
from bot.simulator.sim_events import status_event
from bot.simulator.timing import Pace
from bot.simulator.twilio_errors import TEXTS
from bot.simulator.webhooks import CONNECTION_FAILURE, RETRIEVAL_FAILURE, WebhookSender

WINDOW = 24 * 3600.0
#: Messages a second of one sender, as Twilio's queue lets them out.
RATES = {"whatsapp": 80.0, "sms": 10.0}


class Tasks:
    """The running journeys, so that they can all be ended."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def stop(self) -> None:
        """Cancel all and wait until they ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Carrier:
    """Takes outbound Twilio messages to the phones."""

    def __init__(self, world: World, faults: Faults, sender: WebhookSender, pace: Pace, tasks: Tasks) -> None:
        self.world = world
        self.faults = faults
        self.sender = sender
        self.pace = pace
        self.tasks = tasks
        self._slots: dict[str, float] = {}
        self._callbacks: dict[str, asyncio.Task[None]] = {}

    def accept(self, message: TwilioMessage, carried: bool = True) -> None:
        """Remember an accepted message and, when `carried`, start its journey."""
        self.world.store(message)
        if carried:
            self.tasks.start(self.carry(message))

    async def carry(self, message: TwilioMessage) -> None:
        """Walk one message through its states."""
        where = (message.channel, message.shop_id, message.person_id)
        if message.status == "scheduled":
            return
        refused = self._struck(message, "reject")
        if refused is not None:
            await asyncio.sleep(refused["seconds"] if refused["seconds"] is not None else self.pace.refuse)
            await self._until_relay_is_up(message)
            self.fail(message, int(refused["code"]), str(refused["status"]))
            return
        if (silent := self._struck(message, "silent_accepted")) is not None:
            if not silent["release"]:
                return
            await self._until(lambda: not self.faults.is_on(where[0], "silent_accepted", *where[1:]))
        never_delivered = self._struck(message, "silent_sent")
        slow = self._struck(message, "slow")
        await asyncio.sleep(self.pace.send + self._queue(message) + (slow["seconds"] if slow else 0.0))
        if not await self._leave_queue(message):
            self.fail(message, 30036, "failed")
            return
        if (code := self._refusal(message)) is not None:
            self.fail(message, code, "failed" if message.channel == "whatsapp" else "undelivered")
            return
        message.sent = self.world.clock.now()
        self._status(message, "sent")
        if (both := self._struck(message, "failed_and_delivered")) is not None:
            self.fail(message, int(both["code"]), "failed" if message.channel == "whatsapp" else "undelivered")
            message.error_code = message.error_message = None
        if never_delivered is not None:
            if not never_delivered["release"]:
                return
            await self._until(lambda: not self.faults.is_on(where[0], "silent_sent", *where[1:]))
        await asyncio.sleep(self.pace.deliver)
        await self._reach(message)

    async def _reach(self, message: TwilioMessage) -> None:
        person = self.world.owner(message.person_id)
        if person is None or (message.channel == "whatsapp" and message.shop_id in person.whatsapp_blocked):
            return
        await self._until(lambda: self._phone_reachable(person, message.channel))
        message.shown = self.world.clock.now()
        await self._until_relay_is_up(message)
        self._status(message, "delivered")
        if message.channel == "whatsapp" and person.reads:
            await asyncio.sleep(self.pace.read)
            self.read(message)

    def read(self, message: TwilioMessage) -> None:
        """Mark a delivered WhatsApp message as read (two blue ticks)."""
        if message.status == "delivered" and message.channel == "whatsapp":
            self._status(message, "read")

    def fail(self, message: TwilioMessage, code: int, status: str) -> None:
        """End a message with an error code, reported by callback."""
        message.error_code = code
        message.error_message = TEXTS.get(code)
        self._status(message, status)

    # --- what stops a message ---------------------------------------------------------------------

    def _struck(self, message: TwilioMessage, fault: str) -> Any:
        return self.faults.struck(message.channel, fault, message.shop_id, message.person_id)

    def _queue(self, message: TwilioMessage) -> float:
        """Return how long the sender's rate keeps this message in the queue, in seconds."""
        now = self.world.clock.now()
        slot = max(now, self._slots.get(message.sender, 0.0))
        self._slots[message.sender] = slot + message.num_segments / RATES[message.channel]
        return slot - now

    async def _leave_queue(self, message: TwilioMessage) -> bool:
        """Wait while the road is shut; False when the validity period ended first."""

        def ends_in() -> float:
            return message.created + message.validity - self.world.clock.now()

        def expired() -> bool:
            return ends_in() <= 0

        def free() -> bool:
            return not self._held(message)

        if free():
            return not expired()
        # The clock can be moved, so the wait is cut at the period's real end and looked at again.
        while not free() and not expired():
            await self.world.switches.until(lambda: free() or expired(), timeout=max(0.01, ends_in()))
        return not expired()

    def _held(self, message: TwilioMessage) -> bool:
        return self._relay_is_down(message) or self.faults.is_on(
            message.channel, "late_flood", message.shop_id, message.person_id
        )

    def _refusal(self, message: TwilioMessage) -> int | None:
        """Return the code with which the channel refuses this message, as Twilio reports it by callback."""
        person = self.world.owner(message.person_id)
        if message.channel == "sms":
            return None if person is not None else 30005
        if person is None or not person.has_whatsapp:
            return 63024
        if message.card is not None and (code := problem_when_sent(message.card)) is not None:
            return code
        if message.card is not None and message.card.template:
            return None
        return None if self.window_open(person, message.sender, message.shop_id) else 63016

    def window_open(self, person: Person, sender: str, shop_id: str) -> bool:
        """Say whether free text may go: the shopper wrote to this sender within 24 h."""
        if self.faults.is_on("whatsapp", "window_closed", shop_id, person.id):
            return False
        if person.number in self.world.staff:
            return True
        heard = self.world.last_heard.get((person.id, sender))
        return heard is not None and self.world.clock.now() - heard < WINDOW

    def _phone_reachable(self, person: Person, channel: str) -> bool:
        if person.power == "off":
            return False
        return channel == "sms" or (
            person.power == "on" and not self.faults.is_on("country", "offline", None, person.id)
        )

    async def _until(self, holds: Callable[[], bool]) -> None:
        await self.world.switches.until(holds)

    def _relay_is_down(self, message: TwilioMessage) -> bool:
        """Can the provider not be heard of: Twilio as a whole, or the vendor's phone without internet?"""
        if message.account_sid in self.world.sims:
            return self.faults.is_on("country", "offline") or self.faults.is_on("sim", "offline")
        return self.faults.is_on("twilio", "down")

    async def _until_relay_is_up(self, message: TwilioMessage) -> None:
        await self._until(lambda: not self._relay_is_down(message))

    # --- callbacks --------------------------------------------------------------------------------

    def _status(self, message: TwilioMessage, status: str) -> None:
        now = self.world.clock.now()
        message.status = status
        message.updated = now
        message.history.append((status, now))
        self.world.changed(message.person_id, message.shop_id, message.channel)
        lost = self._struck(message, "lost_callbacks") is not None
        late = self._struck(message, "late_callbacks")
        if message.status_callback and not lost:
            before = self._callbacks.get(message.sid)
            wait = float(late["seconds"]) if late is not None else 0.0
            task = self.tasks.start(self._call_back(message, status, message.error_code, before, wait))
            self._callbacks[message.sid] = task
            task.add_done_callback(lambda done: self._forget_callback(message.sid, done))

    def _forget_callback(self, sid: str, task: asyncio.Task[None]) -> None:
        if self._callbacks.get(sid) is task:
            del self._callbacks[sid]

    async def _call_back(
        self, message: TwilioMessage, status: str, error_code: int | None,
        before: asyncio.Task[None] | None, wait: float,
    ) -> None:
        await asyncio.sleep(wait)
        if before is not None:
            await asyncio.wait([before], timeout=1.0)
        await self._until_relay_is_up(message)
        assert message.status_callback is not None
        sim = self.world.sims.get(message.account_sid)
        event = None if sim is None else status_event(message, status, self.world.ids.uuid())
        for _ in range(webhook_copies(self.faults, message.channel, message.shop_id, message.person_id)):
            if sim is not None:
                if event is None:
                    return
                outcome = await self.sender.sim(message.status_callback, sim.auth_token, event)
            else:
                params = callback_params(message, status, error_code)
                outcome = await self.sender.twilio(
                    message.status_callback, self._auth_token(message), params
                )
            if outcome.failure is not None:
                code = CONNECTION_FAILURE if outcome.failure in {"ct", "rt"} else RETRIEVAL_FAILURE
                self.world.alarm(code, message.status_callback.partition("?")[0], outcome.failure)

    def _auth_token(self, message: TwilioMessage) -> str:
        return self.world.account(message.account_sid)[0].auth_token


def webhook_copies(faults: Faults, channel: str, shop_id: str, person_id: str | None) -> int:
    """Return how many times a webhook is sent: once, unless `twice` or `thrice` is on."""
    if faults.struck(channel, "thrice", shop_id, person_id) is not None:
        return 3
    return 2 if faults.struck(channel, "twice", shop_id, person_id) is not None else 1


def callback_params(message: TwilioMessage, status: str, error_code: int | None) -> list[tuple[str, str]]:
    """Build the form of one status callback."""
    params = [
        ("AccountSid", message.account_sid),
        ("ApiVersion", "2010-04-01"),
        ("From", message.sender),
        ("To", message.to),
        ("MessageSid", message.sid),
        ("SmsSid", message.sid),
        ("MessageStatus", status),
        ("SmsStatus", status),
    ]
    if message.messaging_service_sid:
        params.append(("MessagingServiceSid", message.messaging_service_sid))
    if error_code is not None:
        params.append(("ErrorCode", str(error_code)))
    if message.channel == "whatsapp":
        params += [
            ("ChannelPrefix", "whatsapp"),
            ("ChannelInstallSid", "XE" + message.account_sid[2:]),
            ("ChannelToAddress", message.to.removeprefix("whatsapp:")),
            ("StructuredMessage", "false"),
        ]
        if status in {"delivered", "read"}:
            params.append(("EventType", status.upper()))
        if error_code is not None:
            params.append(("ChannelStatusMessage", TEXTS.get(error_code) or "Unknown error"))
    elif status in {"delivered", "undelivered"}:
        params.append(("RawDlrDoneDate", _dlr(message.updated)))
    return params


def _dlr(at: float) -> str:
    return time.strftime("%y%m%d%H%M", time.gmtime(at))
