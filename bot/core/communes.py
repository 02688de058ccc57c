"""Where the communes are: from a shared position to the communes nearby that a shop serves.

A large commune has several points, one for each part where people live. Degrees, to about 500 m: enough to guess,
and the shopper confirms the guess.
"""

from __future__ import annotations

from collections.abc import Collection
from math import cos, hypot, radians

from bot.core.words import fold

FAR_KM = 25.0
"""Beyond this no commune is meant."""
_KM_A_DEGREE = 111.2

POINTS: tuple[tuple[str, float, float], ...] = (
    ("Abobo", 5.417, -4.017), ("Abobo", 5.440, -4.040), ("Abobo", 5.400, -3.990),
    ("Adjamé", 5.360, -4.027), ("Attécoubé", 5.344, -4.041),
    ("Cocody", 5.348, -3.985), ("Cocody", 5.372, -3.999), ("Cocody", 5.397, -3.983), ("Cocody", 5.357, -3.935),
    ("Cocody", 5.372, -3.925), ("Cocody", 5.370, -3.962),
    ("Koumassi", 5.297, -3.945), ("Marcory", 5.304, -3.978), ("Plateau", 5.324, -4.020),
    ("Port-Bouët", 5.256, -3.926), ("Port-Bouët", 5.258, -3.995), ("Port-Bouët", 5.245, -3.885),
    ("Treichville", 5.295, -4.008),
    ("Yopougon", 5.338, -4.072), ("Yopougon", 5.317, -4.100), ("Yopougon", 5.355, -4.090),
    ("Anyama", 5.494, -4.052), ("Bingerville", 5.355, -3.889), ("Songon", 5.319, -4.257),
    ("Grand-Bassam", 5.212, -3.739), ("Bouaké", 7.690, -5.030), ("Yamoussoukro", 6.820, -5.277),
    ("San-Pédro", 4.748, -6.636), ("Dabou", 5.325, -4.377), ("Jacqueville", 5.205, -4.414),
    ("Daloa", 6.877, -6.450), ("Korhogo", 9.458, -5.630), ("Gagnoa", 6.132, -5.951), ("Man", 7.412, -7.554),
    ("Divo", 5.838, -5.357), ("Soubré", 5.785, -6.608), ("Abengourou", 6.730, -3.496),
    ("Agboville", 5.928, -4.213), ("Adzopé", 6.107, -3.860), ("Bonoua", 5.272, -3.596), ("Aboisso", 5.468, -3.207),
)  # fmt: skip


def nearby(place: tuple[float, float], served: Collection[str], limit: int = 3) -> tuple[str, ...]:
    """Communes of ``served`` around a place (latitude, longitude), the nearest first; empty when none is near."""
    names = {fold(commune): commune for commune in served}
    found: dict[str, float] = {}
    for name, latitude, longitude in POINTS:
        commune = names.get(fold(name))
        if commune is None:
            continue
        km = _km(place, (latitude, longitude))
        if km <= FAR_KM:
            found[commune] = min(km, found.get(commune, km))
    return tuple(sorted(found, key=lambda commune: found[commune]))[:limit]


def _km(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Plane distance: exact enough for some tens of kilometres."""
    across = (one[1] - two[1]) * cos(radians((one[0] + two[0]) / 2))
    return _KM_A_DEGREE * hypot(one[0] - two[0], across)
