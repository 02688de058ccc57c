"""From a shared position to a commune."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.communes import POINTS, nearby
from tests.dialogue.memory_ledger import SHOPS, read_zones

SERVED = tuple(zone.commune for zone in read_zones(SHOPS / "awa-mode"))


@pytest.mark.parametrize(
    ("place", "commune"),
    [
        ((5.3953, -3.9836), "Cocody"),
        ((5.3360, -4.0687), "Yopougon"),
        ((5.2969, -4.0112), "Treichville"),
        ((5.2030, -3.7357), "Grand-Bassam"),
        ((7.6881, -5.0305), "Bouaké"),
    ],
)
def test_known_places_are_in_their_commune(place: tuple[float, float], commune: str) -> None:
    """Angré, Siporex, the market of Treichville, Bassam's lighthouse, the centre of Bouaké."""
    assert nearby(place, SERVED)[0] == commune


def test_a_far_place_is_in_none() -> None:
    assert nearby((48.85, 2.35), SERVED) == ()


def test_every_commune_that_the_demo_shops_serve_has_a_point() -> None:
    assert set(SERVED) <= {name for name, _, _ in POINTS}


@given(st.floats(-90, 90), st.floats(-180, 180), st.sets(st.sampled_from(SERVED)))
def test_only_served_communes_are_named_each_once(latitude: float, longitude: float, served: set[str]) -> None:
    found = nearby((latitude, longitude), served)
    assert len(set(found)) == len(found) <= 3
    assert set(found) <= served
