"""Every bot is introduced once, however often its provider says no first."""

from __future__ import annotations

from bot.core.addresses import ChannelName, ShopId
from bot.flows.introduce import LONGEST_WAIT, introduce


class Reluctant:
    """Agrees at the n-th asking."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals
        self.asked: list[str] = []

    async def introduce(self, url: str) -> str | None:
        self.asked.append(url)
        self.left -= 1
        return "TimedOut" if self.left >= 0 else None


class Patience:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_each_is_asked_until_it_agrees_and_no_longer() -> None:
    quick, slow, clock = Reluctant(0), Reluctant(10), Patience()
    await introduce({(ShopId("a"), ChannelName.TELEGRAM): (quick, "https://a"), (ShopId("b"), ChannelName.TELEGRAM): (slow, "https://b")}, clock)
    assert quick.asked == ["https://a"]
    assert slow.asked == ["https://b"] * 11
    assert clock.slept[:3] == [2.0, 4.0, 8.0]
    assert clock.slept[-1] == LONGEST_WAIT
