"""Nobody writes: Relais looks for itself, and believes only what it sees."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot.core import health
from bot.core.health import INTERNET, Kind, State, domain_key
from bot.flows.probe import BEAT, Outside, Prober
from bot.storage.memory import MemoryHealthBoard
from tests.flows.world import TurnedClock

WHATSAPP, TELEGRAM = "whatsapp:AC1", "telegram:1"
DOMAINS = ("meta", "twilio", "internet")


@dataclass
class Api:
    account: str
    domains: tuple[str, ...]

    async def probe(self) -> bool:
        return True


@dataclass
class Bird:
    """A canary that comes as far as the scene says."""

    scene: Scene
    recipient: str
    account: str = WHATSAPP
    domains: tuple[str, ...] = DOMAINS
    flown: int = 0
    finds: Kind | None = None
    """What becomes of this one, whatever the scene says."""

    async def fly(self) -> tuple[Kind, float] | None:
        self.flown += 1
        finds = self.finds or self.scene.finds
        return None if finds is None else (finds, self.scene.clock.now())


@dataclass
class Scene:
    """Accounts with a habit, canaries, and a clock to turn. ``finds``: what becomes of a canary."""

    numbers: int = 2
    accounts: int = 1
    finds: Kind | None = Kind.WORKS
    resting: Kind | None = None
    clock: TurnedClock = field(default_factory=TurnedClock)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = MemoryHealthBoard(self.clock)
        self.names = [WHATSAPP if not i else f"whatsapp:AC{i + 1}" for i in range(self.accounts)]
        self.birds = [
            Bird(self, f"{name}-{number}", name) for name in self.names for number in range(self.numbers)
        ]

        async def yes() -> bool:
            return True

        async def nothing() -> None:
            return None

        async def nudge(account: str) -> bool:
            if self.resting is None:
                return False
            self.told.append(account)
            now = self.clock.now()
            await self.board.observe(
                account, health.Evidence(now, self.resting, f"shopper-{len(self.told)}", began_at=now - 5)
            )
            return True

        apis = [*(Api(name, DOMAINS) for name in self.names), Api(TELEGRAM, ("telegram", "internet"))]
        self.prober = Prober(self.board, self.clock, Outside(apis, yes, nothing, nudge, canaries=self.birds))

    async def accustom(self, an_hour: float, *accounts: str) -> None:
        """A week of so many messages an hour, the last of them now."""
        for account in accounts:
            await self.board.teach(account, an_hour, self.clock.now())

    async def turn(self, seconds: float) -> None:
        for _ in range(int(seconds / BEAT)):
            self.clock.time += BEAT
            await self.prober.once()
            await self.prober.try_canaries()

    async def hear(self, account: str = WHATSAPP) -> None:
        await self.board.observe(account, health.Evidence(self.clock.now(), Kind.HEARD, "x"))

    async def state(self, key: str = WHATSAPP) -> State:
        return (await self.board.read([key]))[key].state

    @property
    def flown(self) -> int:
        return sum(bird.flown for bird in self.birds)


async def test_while_people_write_no_canary_flies() -> None:
    scene = Scene()
    await scene.accustom(60, WHATSAPP)
    for _ in range(24):
        await scene.turn(300)
        await scene.hear()
    assert (scene.flown, scene.told) == (0, [])


@pytest.mark.parametrize("finds", [Kind.FAULT, Kind.SILENT, Kind.UNDELIVERED])
async def test_a_channel_that_swallows_both_ways_is_found_by_two_canaries(finds: Kind) -> None:
    """Sixty an hour: nine minutes of silence are odd, then the canaries tell, however they are lost."""
    scene = Scene(finds=finds)
    await scene.accustom(60, WHATSAPP)
    await scene.turn(535)
    assert (scene.flown, await scene.state()) == (0, State.UP)
    await scene.turn(360)
    assert await scene.state() is State.DOWN


async def test_the_canaries_of_one_account_say_nothing_of_the_others() -> None:
    scene = Scene(numbers=5, finds=Kind.FAULT)
    await scene.accustom(60, WHATSAPP)
    await scene.turn(3600)
    assert (await scene.state(), await scene.state(domain_key("meta"))) == (State.DOWN, State.SUSPECT)


async def test_one_number_alone_never_takes_it_down() -> None:
    """A single phone may be broken; it makes us doubt, and a resting shopper is the second witness."""
    scene = Scene(numbers=1, finds=Kind.FAULT)
    await scene.accustom(60, WHATSAPP)
    await scene.turn(3600)
    assert await scene.state() is State.SUSPECT
    scene.resting = Kind.SILENT
    await scene.turn(120)
    assert await scene.state() is State.DOWN


async def test_a_canary_that_arrives_answers_for_a_silence_until_it_has_lasted_twice_as_long() -> None:
    """And for the next ones: today fewer people write than on other days."""
    scene = Scene()
    await scene.accustom(60, WHATSAPP)
    await scene.turn(1000)
    assert (scene.flown, await scene.state()) == (2, State.UP)
    await scene.turn(200)
    assert scene.flown == 4
    await scene.hear()
    await scene.turn(1800)
    assert scene.flown == 4
    await scene.turn(600)
    assert (scene.flown, scene.told) == (6, [])


async def test_a_broken_phone_beside_one_that_works_is_no_outage_and_costs_no_more() -> None:
    scene = Scene(numbers=2)
    scene.birds[0].finds = Kind.UNDELIVERED
    await scene.accustom(60, WHATSAPP)
    await scene.turn(3600)
    own = (await scene.board.read([WHATSAPP]))[WHATSAPP]
    assert own.state is not State.DOWN and "canary" not in {vote.name for vote in own.votes}
    assert scene.flown <= 20


async def test_a_canary_that_cannot_tell_is_not_tried_again_and_again() -> None:
    """Such as one that needs a template and has none."""
    scene = Scene(finds=None)
    await scene.accustom(60, WHATSAPP)
    await scene.turn(1000)
    assert (scene.flown, await scene.state()) == (2, State.UP)


async def test_an_api_that_answers_does_not_take_back_what_a_canary_saw() -> None:
    scene = Scene(numbers=1, finds=Kind.FAULT)
    await scene.accustom(60, WHATSAPP)
    await scene.turn(560)
    await scene.turn(45)
    own = (await scene.board.read([WHATSAPP]))[WHATSAPP]
    assert "canary" in {vote.name for vote in own.votes}
    scene.finds = Kind.WORKS
    await scene.turn(60)
    own = (await scene.board.read([WHATSAPP]))[WHATSAPP]
    assert "canary" not in {vote.name for vote in own.votes}


@pytest.mark.parametrize(("fate", "told", "state"), [(Kind.WORKS, 1, State.UP), (Kind.FAULT, 3, State.DOWN)])
async def test_without_a_canary_resting_shoppers_are_told_their_order(fate: Kind, told: int, state: State) -> None:
    """One if it arrives, three at most in one silence."""
    scene = Scene(numbers=0, resting=fate)
    await scene.accustom(30, WHATSAPP)
    await scene.turn(1300)
    assert (len(scene.told), await scene.state()) == (told, state)


async def test_shops_too_quiet_to_say_anything_say_it_together() -> None:
    """Fifty shops of six messages an hour: two minutes without any, not ninety; and four of them look for all."""
    scene = Scene(accounts=50, numbers=2, finds=Kind.FAULT)
    await scene.accustom(6, *scene.names)
    await scene.turn(100)
    assert scene.flown == 0
    await scene.turn(30)
    assert scene.flown == 8
    await scene.turn(600)
    states = [await scene.state(name) for name in scene.names]
    assert (await scene.state(domain_key("meta")), states.count(State.DOWN)) == (State.DOWN, 4)


async def test_nothing_of_the_sort_where_one_of_them_is_written_to() -> None:
    scene = Scene(accounts=50, numbers=1, finds=Kind.FAULT)
    await scene.accustom(6, *scene.names)
    for turn in range(40):
        await scene.turn(60)
        await scene.hear(scene.names[turn])
    assert scene.flown == 0


async def test_canaries_lost_while_telegram_is_silent_too_are_the_country() -> None:
    scene = Scene(numbers=3, finds=Kind.UNDELIVERED)
    await scene.accustom(60, WHATSAPP, TELEGRAM)
    await scene.turn(900)
    assert await scene.state(domain_key(INTERNET)) is State.DOWN


async def test_canaries_lost_while_people_write_on_telegram_are_whatsapp() -> None:
    scene = Scene(numbers=3, finds=Kind.UNDELIVERED)
    await scene.accustom(60, WHATSAPP, TELEGRAM)
    for _ in range(30):
        await scene.turn(60)
        await scene.hear(TELEGRAM)
    assert (await scene.state(), await scene.state(domain_key(INTERNET))) == (State.DOWN, State.UP)


async def test_a_holiday_is_no_outage() -> None:
    """Nobody writes anywhere for a day, and every canary arrives."""
    scene = Scene(numbers=2, resting=Kind.WORKS)
    await scene.accustom(60, WHATSAPP, TELEGRAM)
    await scene.turn(8 * 3600)
    for key in (WHATSAPP, domain_key(INTERNET), domain_key("meta")):
        assert await scene.state(key) is State.UP
    assert scene.flown <= 2 * 7
