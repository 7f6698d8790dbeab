"""Forged ways to mains and cable, costs and claims to match, all signed anew: verification names the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forging import accused_by, ask, caught, claim_in, edit_proof, row_of, sql
from mains_map import planned_street
from trassa.plan.verify import verify

VILLAGE = ([(3000.0, 700.0), (3600.0, 700.0), (3600.0, 1200.0), (3000.0, 1200.0), (3000.0, 700.0)],)
WAYS = (
    (*VILLAGE, {"landuse": "residential"}),
    ([(0.0, 2400.0), (1500.0, 2100.0)], {"power": "minor_line"}),
    ([(0.0, 100.0), (4000.0, 100.0)], {"power": "line", "voltage": "110000"}),
)
POWER_MINOR_PER_M = 4000
DROP_MINOR_PER_M = 3000


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An honest plan of a road with a village and a farm line, and a transmission line that feeds nobody."""
    root = planned_street(tmp_path_factory.mktemp("street") / "plan", *WAYS)
    verification = verify(root)
    assert verification.agrees, verification.text()
    return root


def cheapen(root: Path, column: str, by_m: float, minor_per_m: int) -> None:
    """Shorten a way of the first site, at its place in both layers, in every cost and in the claim."""
    place = "place = (SELECT place FROM candidates WHERE candidate = (SELECT candidate FROM sites WHERE site = 'S-01'))"
    less = f"SET {column} = {column} - {by_m}, cost_minor = cost_minor - {round(by_m * minor_per_m)}"
    sql(root, f"UPDATE candidates {less} WHERE {place}", f"UPDATE sites {less} WHERE site = 'S-01'")

    def claim(body: dict[str, Any]) -> None:
        stated = claim_in(body, "radio.least-cost")
        for name in ("cost_minor", "bound_minor"):
            stated["method"][name] -= by_m * minor_per_m

    edit_proof(root, claim)


def test_a_shorter_power_line_in_every_figure(forged: Path) -> None:
    cheapen(forged, "power_m", 100.0, POWER_MINOR_PER_M)
    verification = caught(forged, "radio.supply")
    assert "m from mains, stated" in row_of(verification, "radio.supply").detail
    assert "radio.cost" not in accused_by(verification), "the costs follow the forged way to the cent"


def test_a_shorter_drop_in_every_figure(forged: Path) -> None:
    cheapen(forged, "fibre_drop_m", 10.0, DROP_MINOR_PER_M)
    verification = caught(forged, "radio.supply")
    assert "has a drop of 10 m, it stands 15 m off" in row_of(verification, "radio.supply").detail
    assert "radio.cost" not in accused_by(verification)


def test_a_shorter_power_line_at_the_old_price(forged: Path) -> None:
    sql(forged, "UPDATE sites SET power_m = power_m - 100 WHERE site = 'S-01'")
    caught(forged, "radio.sites", "radio.cost")


def test_a_longer_way_of_a_place_that_was_not_chosen(forged: Path) -> None:
    """Whoever makes the other places dear makes the chosen ones look cheap."""
    unchosen = "candidate = (SELECT min(candidate) FROM candidates WHERE chosen = 0)"
    dearer = f"SET power_m = power_m + 200, cost_minor = cost_minor + {200 * POWER_MINOR_PER_M}"
    sql(forged, f"UPDATE candidates {dearer} WHERE {unchosen}")
    assert "radio.cost" not in accused_by(caught(forged, "radio.supply"))


def test_mains_taken_off_the_plan(forged: Path) -> None:
    """Without them every mast would be at the assumed distance."""
    sql(forged, "DELETE FROM power")
    detail = row_of(caught(forged, "radio.supply"), "radio.supply").detail
    assert "layer power is empty, the map shows mains" in detail


def test_ways_by_hand(honest: Path) -> None:
    """The mast abreast of the village's corner, and one whose nearest mains is the end of the farm line."""
    ways = dict(ask(honest, "SELECT measure_m, power_m FROM candidates"))
    assert ways[3000.0] == 720.0
    assert ways[1500.0] == 10.0 * -(-((1500.0**2 + 715.0**2) ** 0.5) // 10.0)
    assert ways[0.0] == 10.0 * -(-(2415.0 * 1500.0 / (1500.0**2 + 300.0**2) ** 0.5) // 10.0)
