"""What the holder of the probe lease finds out, and what it does about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.core.health import INGRESS, INTERNET, AccountHealth, Evidence, Kind, State, domain_key, quiet
from bot.flows.probe import BEAT, LAST_RESORT, Outside, Prober
from bot.storage.memory import MemoryHealthBoard
from tests.flows.world import TurnedClock

WHATSAPP, TELEGRAM = "whatsapp:AC1", "telegram:1"


@dataclass
class Api:
    account: str
    domains: tuple[str, ...]
    answers: bool = True
    asked: int = 0

    async def probe(self) -> bool:
        self.asked += 1
        return self.answers


@dataclass
class Page:
    domain: str
    says: str | None = None

    async def trouble(self) -> str | None:
        return self.says


@dataclass
class Bird:
    account: str
    finds: tuple[Kind, float] | None = None
    flown: int = 0
    recipient: str = "bird"
    domains: tuple[str, ...] = ("meta", "twilio", "internet")

    async def fly(self) -> tuple[Kind, float] | None:
        self.flown += 1
        return self.finds


@dataclass
class Scene:
    """A prober with its outside, and a clock to turn."""

    clock: TurnedClock = field(default_factory=TurnedClock)
    whatsapp: Api = field(default_factory=lambda: Api(WHATSAPP, ("meta", "twilio", "internet")))
    telegram: Api = field(default_factory=lambda: Api(TELEGRAM, ("telegram", "internet")))
    feed: Page = field(default_factory=lambda: Page("meta"))
    bird: Bird = field(default_factory=lambda: Bird(WHATSAPP))
    reachable: bool = True
    listed: int = 0
    nudged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.board = MemoryHealthBoard(self.clock)

        async def reach() -> bool:
            return self.reachable

        async def catch_up() -> None:
            self.listed += 1

        async def nudge(account: str) -> bool:
            self.nudged.append(account)
            return True

        outside = Outside([self.whatsapp, self.telegram], reach, catch_up, nudge, [self.feed], [self.bird])
        self.prober = Prober(self.board, self.clock, outside)

    async def turn(self, seconds: float) -> None:
        for _ in range(int(seconds / BEAT)):
            self.clock.time += BEAT
            await self.prober.once()

    async def see(self, key: str, kind: Kind, who: str, ago: float = 1.0, source: str = "") -> None:
        now = self.clock.now()
        await self.board.observe(key, Evidence(now, kind, who, began_at=now - ago, source=source))

    async def health(self, key: str) -> AccountHealth:
        return (await self.board.read([key]))[key]


async def test_when_all_is_well_an_api_is_asked_once_a_minute_and_nothing_is_written() -> None:
    scene = Scene()
    await scene.turn(600)
    assert scene.whatsapp.asked == 10
    assert await scene.health(WHATSAPP) == AccountHealth()


async def test_an_api_that_does_not_answer_lets_two_recipients_decide() -> None:
    scene = Scene()
    scene.whatsapp.answers = False
    await scene.see(WHATSAPP, Kind.FAULT, "a")
    await scene.see(WHATSAPP, Kind.FAULT, "b")
    await scene.turn(60)
    assert (await scene.health(WHATSAPP)).state is State.DOWN


async def test_an_api_that_does_not_answer_decides_nothing_alone() -> None:
    scene = Scene()
    scene.whatsapp.answers = False
    await scene.turn(600)
    assert (await scene.health(WHATSAPP)).state is State.UP


async def test_a_recovery_ends_with_time_though_nobody_writes() -> None:
    scene = Scene()
    for who in "abc":
        await scene.see(WHATSAPP, Kind.FAULT, who)
    scene.clock.time += 10
    for who in "ab":
        await scene.see(WHATSAPP, Kind.WORKS, who)
    assert (await scene.health(WHATSAPP)).state is State.RECOVERING
    await scene.turn(590)
    assert (await scene.health(WHATSAPP)).state is State.RECOVERING
    await scene.turn(30)
    assert (await scene.health(WHATSAPP)).state is State.UP


async def test_while_our_own_way_in_is_closed_the_inboxes_are_listed() -> None:
    scene = Scene()
    key = domain_key(INGRESS)
    for index in range(6):
        await scene.see(key, Kind.FAULT, f"r{index}", source=WHATSAPP)
    scene.reachable = False
    await scene.turn(60)
    assert (await scene.health(key)).state is State.DOWN
    assert scene.listed == 4
    assert (await scene.health(WHATSAPP)).state is State.UP


async def test_a_status_page_is_a_weak_vote() -> None:
    scene = Scene()
    scene.feed.says = "Meta: Cloud API: High disruptions"
    await scene.turn(600)
    told = await scene.health(WHATSAPP)
    assert (told.state, [one.detail for one in told.evidence]) == (State.UP, [scene.feed.says])
    assert (await scene.health(TELEGRAM)).evidence == ()


@pytest.mark.parametrize(("found", "state"), [(Kind.FAULT, State.DOWN), (None, State.SUSPECT)])
async def test_a_canary_is_a_second_recipient_and_a_failed_probe(found: Kind | None, state: State) -> None:
    """At one message an hour nobody else would tell for hours."""
    scene = Scene()
    await scene.see(WHATSAPP, Kind.FAULT, "a")
    scene.bird.finds = None if found is None else (found, scene.clock.now())
    await scene.prober.try_canaries()
    assert (await scene.health(WHATSAPP)).state is state


async def test_after_ten_minutes_without_any_try_one_resting_conversation_is_told() -> None:
    scene = Scene()
    for who in "abc":
        await scene.see(WHATSAPP, Kind.FAULT, who)
    await scene.turn(LAST_RESORT - 60)
    assert scene.nudged == []
    await scene.turn(1200)
    assert scene.nudged == [WHATSAPP, WHATSAPP]


async def test_nobody_is_told_while_the_api_does_not_answer_or_tries_go_on() -> None:
    scene = Scene()
    scene.whatsapp.answers = False
    for who in "abc":
        await scene.see(WHATSAPP, Kind.FAULT, who)
    await scene.turn(1800)
    assert scene.nudged == []
    scene.whatsapp.answers = True
    for _ in range(10):
        await scene.see(WHATSAPP, Kind.FAULT, "d")
        await scene.turn(300)
    assert scene.nudged == []


async def learn(scene: Scene, account: str, days: int = 4) -> None:
    """Thirty messages an hour, day and night."""
    for _ in range(days * 24 * 30):
        scene.clock.time += 120
        await scene.see(account, Kind.HEARD, "x")


async def undelivered(scene: Scene, count: int, sources: tuple[str, ...] = (WHATSAPP,), first: int = 0) -> State:
    """So many shoppers who had just written are not reached on WhatsApp, a second apart."""
    for index in range(first, first + count):
        scene.clock.time += 1
        for source in sources:
            await scene.see(domain_key(INTERNET), Kind.UNDELIVERED, f"r{index}", ago=21, source=source)
    return (await scene.health(domain_key(INTERNET))).state


async def test_telegram_silent_beside_whatsapp_means_the_internet() -> None:
    scene = Scene()
    await learn(scene, TELEGRAM)
    await scene.turn(1500)
    states = [await undelivered(scene, count, first=first) for first, count in ((0, 3), (3, 2), (5, 1))]
    assert states == [State.UP, State.SUSPECT, State.DOWN]


async def test_with_whatsapp_silent_as_well_four_phones_are_enough() -> None:
    scene = Scene()
    for _ in range(4 * 24 * 30):
        scene.clock.time += 120
        for account in (TELEGRAM, WHATSAPP):
            await scene.see(account, Kind.HEARD, "x")
    await scene.turn(1500)
    states = [await undelivered(scene, count, first=first) for first, count in ((0, 1), (1, 2), (3, 1))]
    assert states == [State.UP, State.SUSPECT, State.DOWN]


async def test_channels_too_quiet_to_say_anything_alone_say_it_together() -> None:
    scene = Scene()
    page = Api("web", ("internet",))
    scene.prober.outside = replace(scene.prober.outside, accounts=[scene.whatsapp, scene.telegram, page])
    for _ in range(4 * 24 * 5):
        scene.clock.time += 720
        for account in (TELEGRAM, page.account):
            await scene.see(account, Kind.HEARD, "x")
    await scene.turn(4500)
    assert not quiet((await scene.health(TELEGRAM)).inbound, scene.clock.now())
    assert await undelivered(scene, 12) is State.DOWN


async def test_somebody_who_writes_ends_it() -> None:
    scene = Scene()
    await learn(scene, TELEGRAM)
    await scene.turn(1500)
    await undelivered(scene, 12)
    for _ in range(13):
        await scene.see(TELEGRAM, Kind.HEARD, "x")
        await scene.turn(60)
    changes = [change.new for _, change in await scene.board.transitions() if change.key == domain_key(INTERNET)]
    assert changes[-3:] == [State.DOWN, State.RECOVERING, State.UP]


async def test_what_meta_alone_does_not_deliver_is_not_the_country() -> None:
    """Two WhatsApp accounts fail together, as they do when Meta is down, and nobody listens on Telegram yet."""
    scene = Scene()
    await scene.turn(600)
    assert await undelivered(scene, 40, (WHATSAPP, "whatsapp:AC2")) is State.UP


async def test_with_telegram_alive_the_internet_is_not_suspected() -> None:
    scene = Scene()
    await learn(scene, TELEGRAM)
    await scene.turn(60)
    key = domain_key(INTERNET)
    for index in range(40):
        scene.clock.time += 1
        await scene.see(key, Kind.UNDELIVERED, f"r{index}", ago=21, source=WHATSAPP)
    assert (await scene.health(key)).state is not State.DOWN
