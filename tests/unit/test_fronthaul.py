"""Where a shared cell's baseband stands: every place tried by hand, and what a forger of the way finds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drawn_road import drawn_road
from forging import caught, row_of, sql
from trassa.linear import Layer
from trassa.optical.plan import Connection, plan_optical
from trassa.optical.services.fronthaul import Head
from trassa.optical.settings import OpticalSettings
from valley import planned_valley

RULES = OpticalSettings(check_transmission=False)
LONGEST = RULES.helix_ratio / RULES.helix_ratio_low
TAPS_M = (4000.0, 12_000.0, 30_000.0, 33_000.0)


def _ways(heads: list[Head], hole: tuple[float, float] | None = None) -> tuple[Layer, Layer, Layer]:
    road = drawn_road(60_000.0, holes=[hole] if hole else [])
    sites = [Connection(f"S-{n}", measure_m, "increasing", 30.0) for n, measure_m in enumerate(TAPS_M)]
    layers = plan_optical(road, sites, RULES, heads=heads).layers
    return layers["fronthaul_ways"], layers["links"], layers["huts"]


def _heads(limit_m: float, *cells: tuple[int, ...]) -> list[Head]:
    return [Head(f"S-{site}", f"C-{n}", limit_m) for n, sites in enumerate(cells) for site in sites]


def _to_huts_m(links: Layer, site: str) -> dict[str, float]:
    return {row["hut"]: row["fibre_m"] for row in links.rows() if row["site"] == site}


def test_a_hut_that_is_near_enough_to_all_heads_has_the_baseband() -> None:
    ways, links, _ = _ways(_heads(20_000.0, (0, 1)))
    assert set(ways["baseband"]) == {"H-01"}
    for row in ways.rows():
        assert row["fibre_m"] == pytest.approx(LONGEST * _to_huts_m(links, row["site"])["H-01"], rel=1e-12)
    assert (ways["margin_m"] > 0.0).all()


def test_where_no_hut_is_near_enough_a_site_has_it_and_is_its_own_head() -> None:
    ways, _, huts = _ways(_heads(7_000.0, (2, 3)))
    assert np.abs(huts["measure_m"][:, None] - np.array(TAPS_M[2:])).max(axis=1).min() > 7_000.0
    assert ways["baseband"][0] in ("S-2", "S-3")
    assert len(set(ways["baseband"])) == 1
    assert sorted(ways["fibre_m"])[0] == 0.0
    assert 3000.0 < sorted(ways["fibre_m"])[1] < 3600.0


def test_no_place_is_better() -> None:
    """Out of reach of everything the shortest longest way is taken: all sites tried along the links' fibre."""
    ways, links, _ = _ways(_heads(5_000.0, (0, 1, 2, 3)))
    at_m = {f"S-{n}": _to_huts_m(links, f"S-{n}")["H-01"] for n in range(4) if "H-01" in _to_huts_m(links, f"S-{n}")}
    assert len(at_m) == 4
    longest = {site: LONGEST * max(abs(m - at_m[site]) for m in at_m.values()) for site in at_m}
    chosen = str(ways["baseband"][0])
    assert longest[chosen] == min(longest.values())
    assert ways["fibre_m"].max() == pytest.approx(longest[chosen], abs=300.0)  # drops and tap loops apart
    assert ways["margin_m"].min() < 0.0


def test_heads_that_no_cable_joins_have_no_baseband() -> None:
    ways, _, _ = _ways(_heads(20_000.0, (0, 1), (2, 3)), hole=(8000.0, 9000.0))
    assert ways["baseband"].tolist()[:2] == ["", ""]
    assert np.isnan(ways["fibre_m"][:2]).all()
    assert (ways["margin_m"][2:] > 0.0).all()


def test_latency_rises_with_fibre() -> None:
    ways, _, _ = _ways(_heads(20_000.0, (0, 1)))
    rows = sorted((row["fibre_m"], row["latency_us"]) for row in ways.rows())
    assert all(a[1] < b[1] for a, b in pairwise(rows))
    assert rows[0][1] == pytest.approx(rows[0][0] / 1000.0 * RULES.latency_us_per_km)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan whose sites share cells."""
    return planned_valley(
        tmp_path_factory.mktemp("shared") / "valley",
        'profile = "eu-5g-corridor"\nband = "n28"\neirp_per_re_dbm = 14.0\n',
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE fronthaul_ways SET fibre_m = fibre_m - 500, margin_m = margin_m + 500 WHERE fibre_m > 500", "stated"),
        ("UPDATE fronthaul_ways SET limit_m = limit_m + 5000, margin_m = margin_m + 5000", "limit of"),
        ("UPDATE fronthaul SET largest_fronthaul_m = largest_fronthaul_m + 5000", "in fronthaul is not"),
        ("DELETE FROM fronthaul_ways WHERE fid = 1", "missing in fronthaul_ways"),
    ],
)
def test_a_forged_way_is_named(forged: Path, change: str, told: str) -> None:
    sql(forged, change)
    assert told in row_of(caught(forged, "optical.fronthaul"), "optical.fronthaul").detail
