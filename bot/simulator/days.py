"""Recorded days: when which road broke, in minutes from the beginning of the recording.

Speed changes the traffic and the switches, never Relais: its time-outs stay real.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scene:
    """At `minute` a switch is turned."""

    minute: float
    channel: str
    fault: str
    on: bool
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Day:
    """One recording. `sources` are where its times come from."""

    id: str
    title: str
    begins: str
    minutes: float
    scenes: tuple[Scene, ...]
    sources: tuple[str, ...]
    regulars: float = 0.0
    """Share of those with Telegram who shop there on any day, whatever breaks."""


#: 15:39 UTC until over seven hours later; what shoppers typed came through afterwards, all at once.
#: Telegram took 70 million newcomers and was slow.
OCTOBER_2021 = Day(
    id="2021-10-04", title="4 octobre 2021 : WhatsApp, Facebook et Instagram disparaissent",
    begins="2021-10-04T15:09:00Z", minutes=510,
    scenes=(
        Scene(30, "whatsapp", "reject", True, {"code": 63012}),
        Scene(30, "whatsapp", "late_flood", True),
        Scene(120, "telegram", "slow", True, {"seconds": 1.5}),
        Scene(300, "telegram", "slow", False),
        Scene(455, "whatsapp", "reject", False),
        Scene(455, "whatsapp", "late_flood", False),
    ),
    sources=(
        "https://blog.cloudflare.com/during-the-facebook-outage/",
        "https://www.tech360.tv/telegram-gains-over-70-million-new-users-facebook-outage",
    ),
)

#: Four sea cables cut off Abidjan; 93 % of the country's networks dark from 09:00 UTC. Only SMS and calls were left.
#: Here it is everybody: one of the few who were left would write `speed` times as often as a real one, and to
#: Relais, whose clocks stay real, that looks like a country that is connected.
MARCH_2024 = Day(
    id="2024-03-14", title="14 mars 2024 : les câbles sous-marins coupés devant Abidjan",
    begins="2024-03-14T08:30:00Z", minutes=390,
    scenes=(
        Scene(30, "country", "offline", True),
        Scene(330, "country", "offline", False),
    ),
    sources=("https://ant.isi.edu/blog/?p=2062",),
    regulars=0.5,
)

DAYS = {day.id: day for day in (OCTOBER_2021, MARCH_2024)}
