"""What always fails is set aside: its lane goes on, its shopper is told, and it can be tried again by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.core.addresses import LaneId, ShopId
from bot.core.conversations import WantedFile
from bot.core.health import AccountHealth
from bot.core.messages import Attachment, Command
from bot.flows import parking
from bot.flows.receive import put_item
from bot.ports import Answer, FileOutcome, Outgoing, ParkedKind, Turn, TurnFailed, Unavailable
from bot.storage import codec
from bot.storage.backlog import put_back
from bot.storage.memory import MemoryBacklog, MemoryHealthBoard
from bot.worker import Worker
from tests.flows.world import Drawer, Phone, Waiter, World

SORRY = "Désolé, je n'ai pas pu traiter votre dernier message. Écrivez-le autrement, s'il vous plaît."


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """What was logged; without a set-up structlog would paint each exception."""
    with capture_logs() as events:
        yield cast(list[EventDict], events)


@dataclass
class Fussy(Waiter):
    """A waiter who chokes on some words."""

    chokes_on: dict[str, Exception] = field(default_factory=dict)
    asked: int = 0

    async def ask(self, turn: Turn) -> Answer:
        self.asked += 1
        if turn.text in self.chokes_on:
            raise self.chokes_on[turn.text]
        return await super().ask(turn)


class Board(MemoryHealthBoard):
    """A board whose next reads fail."""

    failing = 0

    async def read(self, keys: Sequence[str]) -> Mapping[str, AccountHealth]:
        if self.failing > 0:
            self.failing -= 1
            raise KeyError("a bug")
        return await super().read(keys)


class LockedDrawer(Drawer):
    async def keep(self, shop: ShopId, lane: LaneId, wanted: WantedFile) -> FileOutcome:
        raise OSError("a bug")

    async def forget(self, lane: LaneId) -> None:
        raise OSError("a bug")


class DeadlyDrawer(Drawer):
    async def forget(self, lane: LaneId) -> None:
        raise asyncio.CancelledError("kill -9")


class Stage:
    """A world, worked by the real worker; ``crashes`` ends it inside its next attempts, as kill -9 does."""

    def __init__(self) -> None:
        self.world = World()
        self.waiter, self.board = Fussy(), Board(self.world.clock)
        self.world.desk = replace(self.world.desk, dialogue=self.waiter, board=self.board)
        self.backlog = MemoryBacklog(self.world.lanes)
        self.attempts = 0
        self.crashes = 0

    async def pass_time(self, seconds: int) -> None:
        """In half seconds, working what is due."""
        worker = Worker(self.world.desk)
        for _ in range(seconds * 2):
            self.world.clock.time += 0.5
            for _ in range(50):
                due = await self.world.lanes.due_partitions()
                for partition in due:
                    lease = await self.world.lanes.take(partition)
                    assert lease is not None
                    self.attempts += 1
                    if self.crashes:
                        self.crashes -= 1
                    else:
                        await worker._work(lease)
                if not due:
                    break

    async def say(self, text: str, seconds: int = 1) -> None:
        await self.world.put(self.world.message(text))
        await self.pass_time(seconds)


async def test_a_turn_that_raises_is_parked_and_its_shopper_told_within_twenty_seconds() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.waiter.chokes_on = {"choke": ValueError("choke")}
    await stage.say("choke", 20)
    assert stage.world.whatsapp.texts == ["Bonjour", SORRY]
    [parked] = await stage.backlog.parked()
    assert (parked.kind, parked.attempts) == (ParkedKind.TURN, parking.MOST_ATTEMPTS)
    assert ": ValueError at test_parking.py:" in parked.why
    await stage.say("Bonjour")
    assert stage.world.whatsapp.texts[2:] == ["Bonjour"]


async def test_what_waits_behind_it_is_answered_and_nothing_loops() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.waiter.chokes_on = {"choke": ValueError()}
    await stage.world.put(stage.world.message("choke"))
    await stage.say("Salut", 20)
    assert stage.world.whatsapp.texts[-1].endswith("Bonjour")
    asked = stage.waiter.asked
    await stage.pass_time(600)
    assert stage.waiter.asked == asked
    assert (await stage.backlog.totals()).failing == 0


async def test_a_turn_that_rasa_itself_fails_is_parked_but_not_one_that_cannot_be_asked() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.waiter.chokes_on = {"choke": Unavailable("rasa: ConnectError")}
    await stage.say("choke", 600)
    assert await stage.backlog.parked() == []
    stage.waiter.chokes_on = {"choke": TurnFailed("rasa: 503 bug KeyError")}
    await stage.pass_time(150)
    [parked] = await stage.backlog.parked()
    assert (parked.kind, parked.why) == (ParkedKind.TURN, "rasa: 503 bug KeyError")
    assert parked.attempts == parking.MOST_TURN_FAULTS
    assert stage.world.whatsapp.texts[-1] == SORRY


async def test_a_parked_turn_put_back_is_answered_and_stands_once_in_the_transcript() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.waiter.chokes_on = {"2 pagnes": TurnFailed("rasa: 503 bug KeyError")}
    await stage.say("2 pagnes", 120)
    stage.waiter.chokes_on = {}
    [parked] = await stage.backlog.parked()
    for _ in range(2):
        await put_back(stage.world.lanes, stage.backlog, parked)
    await stage.pass_time(2)
    assert stage.world.whatsapp.texts[-1].startswith("Recap")
    assert await stage.backlog.parked() == []
    heard = [m.text for entry in stage.world.journal for m in entry.messages if m.direction == "in"]
    assert heard == ["Bonjour", "2 pagnes"]


async def test_the_open_question_is_put_again_with_the_excuse() -> None:
    stage = Stage()
    await stage.say("2 pagnes")
    stage.waiter.chokes_on = {"choke": ValueError()}
    await stage.say("choke", 20)
    assert stage.world.whatsapp.texts[-1].startswith(SORRY)
    assert "on confirme" in stage.world.whatsapp.texts[-1]


async def test_a_message_that_cannot_be_taken_in_is_parked_as_it_came() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.board.failing = parking.MOST_ATTEMPTS
    await stage.say("Salut", 20)
    [parked] = await stage.backlog.parked()
    assert parked.kind is ParkedKind.ITEM
    assert stage.world.whatsapp.texts == ["Bonjour", SORRY]
    await put_back(stage.world.lanes, stage.backlog, parked)
    await stage.pass_time(1)
    assert stage.world.whatsapp.texts == ["Bonjour", SORRY, "Bonjour"]


async def test_an_attempt_that_kills_its_worker_counts() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    await stage.world.put(stage.world.message("Salut"))
    stage.crashes = parking.MOST_ATTEMPTS
    await stage.pass_time(70)
    [parked] = await stage.backlog.parked()
    assert (parked.kind, parked.why) == (ParkedKind.ITEM, "the worker ended")
    assert stage.world.whatsapp.texts == ["Bonjour", SORRY]


async def test_what_kills_its_worker_is_told_from_what_came_before_it() -> None:
    """Things taken in together are written together, but not again once an attempt has failed."""
    stage = Stage()
    stage.world.desk = replace(stage.world.desk, files=DeadlyDrawer())
    await stage.say("Bonjour")
    await stage.world.put(stage.world.message("Salut"))
    erase = Command("erase-1", "erase", stage.world.clock.now(), ())
    await stage.world.lanes.put(stage.world.lane(), erase.id, codec.encode_item(erase))
    await stage.pass_time(90)
    [parked] = await stage.backlog.parked()
    assert (parked.item_id, parked.why) == (erase.id, "the worker ended")
    heard = {item.text for entry in stage.world.journal for item in entry.messages if item.direction == "in"}
    assert heard == {"Bonjour", "Salut"}


async def test_what_nobody_can_read_is_parked_and_the_rest_goes_on() -> None:
    stage = Stage()
    await stage.world.lanes.put(stage.world.lane(), "odd", b"\xff not ours")
    await stage.say("Bonjour", 20)
    [parked] = await stage.backlog.parked()
    assert (parked.kind, parked.item) == (ParkedKind.UNREADABLE, b"\xff not ours")
    assert stage.world.whatsapp.texts == ["Bonjour"]


async def test_a_record_nobody_can_read_is_tried_with_a_growing_wait_and_shown() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    lane = stage.world.lane()
    stage.world.lanes._record(lane).state = b'{"v":99}'
    await stage.say("Salut", 60)
    before = stage.attempts
    await stage.pass_time(3600)
    assert stage.attempts - before <= 3600 / parking.LONGEST_WAIT + 3
    [view] = await stage.backlog.lanes(5)
    assert (view.lane, view.waiting) == (lane, 1)
    assert view.failure is not None and view.failure.startswith("NewerVersion at codec.py:")
    assert (await stage.backlog.totals()).failing == 1


async def test_a_command_that_always_fails_is_parked_without_a_word_to_the_shopper() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.world.desk = replace(stage.world.desk, files=LockedDrawer())
    await put_item(stage.world.lanes, codec, stage.world.lane(), Command("e1", "erase", 0.0))
    await stage.pass_time(20)
    [parked] = await stage.backlog.parked()
    assert parked.item_id == "e1"
    assert len(stage.world.whatsapp.texts) == 1


async def test_a_file_that_cannot_be_kept_is_given_up_and_told() -> None:
    stage = Stage()
    stage.world.desk = replace(stage.world.desk, files=LockedDrawer())
    note = replace(stage.world.message(""), attachments=(Attachment("audio", "https://files.example/1"),))
    await stage.world.put(note)
    await stage.pass_time(20)
    assert (await stage.world.conversation()).files == ()
    events = [event.type for entry in stage.world.journal for event in entry.events]
    assert "message.file_lost" in events


async def test_a_reply_that_cannot_be_sent_is_failed_in_the_transcript() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.board.failing = 1 + parking.MOST_ATTEMPTS
    await put_item(stage.world.lanes, codec, stage.world.lane(), Command("s1", "say", 0.0, (("text", "Bien sûr"),)))
    await stage.pass_time(60)
    said = {m.text: (m.status, m.reason) for entry in stage.world.journal for m in entry.messages}
    assert said["Bien sûr"] == ("failed", "internal_error")
    assert await stage.backlog.parked() == []


async def test_an_erased_shopper_leaves_nothing_parked() -> None:
    stage = Stage()
    await stage.say("Bonjour")
    stage.waiter.chokes_on = {"choke": ValueError()}
    await stage.say("choke", 20)
    assert len(await stage.backlog.parked()) == 1
    await put_item(stage.world.lanes, codec, stage.world.lane(), Command("e1", "erase", 0.0))
    await stage.pass_time(1)
    assert await stage.backlog.parked() == []


async def test_a_channel_that_raises_leaves_an_unknown_outcome_and_no_loop() -> None:
    stage = Stage()

    class Broken(Phone):
        async def send(self, outgoing: Outgoing) -> object:  # type: ignore[override]
            raise RuntimeError("a bug")

    phones = {**stage.world.phones}
    [name] = [each for each in phones if each == "whatsapp"]
    phones[name] = Broken(name, phones[name].capabilities)
    stage.world.desk.channels.phones = phones  # type: ignore[attr-defined]
    await stage.say("Bonjour", 60)
    before = stage.attempts
    await stage.pass_time(3600)
    assert stage.attempts - before < 300
    assert (await stage.backlog.totals()).failing == 0
