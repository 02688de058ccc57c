"""What is known of a channel account or a fault domain: evidence with an age -> up, suspect, down, recovering, broken.

``observe`` folds one observation into what is known: pure, of constant cost and constant size. ``docs/detection.md``
explains the detector and shows what it reaches.
"""

from bot.core.health.account import KEPT, AccountHealth, at_rest, change, observe
from bot.core.health.detector import OVERDUE, UNDELIVERED_AFTER
from bot.core.health.domains import (
    FORCIBLE,
    INGRESS,
    INTERNET,
    NETWORKS,
    PROVIDERS,
    concerned,
    domain_key,
    effective,
    force_of,
    nature_of,
    routed,
    ruled,
    worst,
)
from bot.core.health.evidence import Evidence, Kind, State, Transition
from bot.core.health.inbound import Silence, habit, quiet, silent, together
from bot.core.health.recovery import PROBE_EVERY, rate

__all__ = [
    "FORCIBLE",
    "INGRESS",
    "INTERNET",
    "KEPT",
    "NETWORKS",
    "OVERDUE",
    "PROBE_EVERY",
    "PROVIDERS",
    "UNDELIVERED_AFTER",
    "AccountHealth",
    "Evidence",
    "Kind",
    "Silence",
    "State",
    "Transition",
    "at_rest",
    "change",
    "concerned",
    "domain_key",
    "effective",
    "force_of",
    "habit",
    "nature_of",
    "observe",
    "quiet",
    "rate",
    "routed",
    "ruled",
    "silent",
    "together",
    "worst",
]
