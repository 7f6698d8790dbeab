"""Forged drops: every column of their cables and fibres, and of what closures splice into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drawn_road import drawn_road
from line_evidence import forged, line_evidence
from trassa.optical.plant.drops import Connection
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import plant_of
from trassa.plan.verify.optical.connected import check_connections
from trassa.plan.verify.optical.drops import check_drops

ROAD = drawn_road(30_000.0)
THINGS = (
    Connection("S-1", 900.0, "increasing", 15.0),
    Connection("K-1", 1200.0, "increasing", 8.0, "camera"),
    Connection("K-2", 4100.0, "decreasing", 9.0, "camera"),
    Connection("K-3", 4100.0, "increasing", 30.0, "camera"),
    Connection("L-1", 2500.0, "increasing", 700.0, "laboratory"),
    Connection("L-2", 30_000.0, "decreasing", 20.0, "laboratory"),
)
CLASSES = [
    {"name": "radio site", "access": "own fibres", "rate_mbps": 10_000.0},
    {"name": "camera", "access": "ring", "rate_mbps": 20.0},
    {"name": "laboratory", "access": "own fibres", "rate_mbps": 1000.0},
]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A ring of three cameras, two of them at one place, a laboratory off the road and one beside a hut."""
    root = tmp_path_factory.mktemp("dropped")
    evidence = line_evidence(root, ROAD, THINGS, services=CLASSES, check_transmission=False)
    for row in (_drops(evidence), check_connections(evidence, plant_of(evidence))):
        assert row.agrees, row.detail
    return evidence


def _drops(evidence: Evidence) -> Any:
    return check_drops(evidence, plant_of(evidence))


def _row(evidence: Evidence, layer: str, **where: object) -> int:
    (row,) = np.flatnonzero(np.all([evidence.layers[layer][key] == value for key, value in where.items()], axis=0))
    return int(row)


def _without(evidence: Evidence, layer: str, row: int) -> Evidence:
    old = evidence.layers[layer]
    return replace(evidence, layers={**evidence.layers, layer: old.take(np.arange(len(old)) != row)})


CABLE, FIBRE = ("drop_cables", {"connection": "L-1"}), ("drop_fibres", {"connection": "K-2", "fibre": 1})
SPARE, SPLICE = ("drop_fibres", {"connection": "K-2", "fibre": 4}), ("splices", {"to": "drop K-1", "side": "before"})


def _to(value: object) -> Callable[[Any], Any]:
    return lambda _: value


def _more(by: float) -> Callable[[Any], Any]:
    return lambda value: value + by


@pytest.mark.parametrize(
    ("where", "column", "change", "told"),
    [
        (CABLE, "connection", _to("L-9"), "L-1 has 0 drop cables"),
        (CABLE, "measure_m", _more(5.0), "measure_m 2505.0 m stated"),
        (CABLE, "carriageway", _to("decreasing"), "carriageway 'decreasing' stated"),
        (CABLE, "cable", _to("C-2"), "the drop to L-1 taps no cable"),
        (CABLE, "closure", _to("CL-0001"), "closure 'CL-0001' stated"),
        (CABLE, "fibres", _to(12), "fibres 12 stated"),
        (CABLE, "in_use", _to(1), "in_use 1 stated"),
        (CABLE, "route_m", _more(-100.0), "route_m 588.0 m stated, found 688.0 m"),
        (CABLE, "sheath_m", _more(-5.0), "sheath_m"),
        (CABLE, "fibre_m", _more(-5.0), "fibre_m"),
        (CABLE, "crosses", _to(True), "crosses True stated"),
        (FIBRE, "connection", _to("K-1"), "the drop to K-1: 5 fibres told of 4"),
        (FIBRE, "fibre", _to(2), "4 fibres told of 4, or one twice"),
        (FIBRE, "tube", _to(2), "fibre 1: tube 2 stated"),
        (FIBRE, "tube_colour", _to("red"), "fibre 1: tube_colour 'red' stated, found 'blue'"),
        (FIBRE, "fibre_colour", _to("red"), "fibre 1: fibre_colour 'red' stated, found 'blue'"),
        (FIBRE, "side", _to("behind"), "fibre 1: side 'behind' stated"),
        (FIBRE, "cable_fibre", _to(90), "fibre 1: cable_fibre 90 stated"),
        (FIBRE, "to", _to("H-01"), "fibre 1: to 'H-01' stated, found 'K-1'"),
        (FIBRE, "equipment", _to("grey 80 km"), "fibre 1: equipment 'grey 80 km' stated"),
        (FIBRE, "end", _to("coiled"), "fibre 1: end 'coiled' stated"),
        (SPARE, "end", _to("patched"), "fibre 4: end 'patched' stated"),
        (SPARE, "cable_fibre", _to(5), "fibre 4: cable_fibre 5 stated"),
        (SPLICE, "closure", _to("CL-0009"), "splices from before: closure 'CL-0009' stated"),
        (SPLICE, "measure_m", _more(9.0), "the drop to K-1: spliced at"),
        (SPLICE, "side", _to("both"), "the drop to K-1: spliced from behind, both, due from before, behind"),
        (SPLICE, "first", _to(90), "splices from before: first 90 stated"),
        (SPLICE, "last", _to(90), "splices from before: last 90 stated"),
        (SPLICE, "to_first", _to(2), "splices from before: to_first 2 stated"),
        (SPLICE, "to_last", _to(2), "splices from before: to_last 2 stated"),
        (SPLICE, "splices", _to(3), "splices from before: splices 3 stated"),
        (SPLICE, "to", _to("drop K-9"), "a drop leads to K-9, which is not connected"),
        (SPLICE, "to", _to("drop L-2"), "the drop to L-2: spliced in a closure, though it begins in a hut"),
    ],
)
def test_a_forged_drop_is_named(
    honest: Evidence, where: tuple[str, dict[str, object]], column: str, change: Callable[[Any], Any], told: str
) -> None:
    layer, row = where
    forgery = _drops(forged(honest, layer, column, _row(honest, layer, **row), change))
    assert not forgery.agrees
    assert told in forgery.detail


@pytest.mark.parametrize(
    ("layer", "where", "told"),
    [
        ("drop_cables", {"connection": "K-1"}, "K-1 has 0 drop cables"),
        ("drop_fibres", {"connection": "S-1", "fibre": 2}, "the drop to S-1: "),
        ("splices", {"side": "drop K-2"}, "the drop to K-3: spliced from behind, due from behind, drop K-2"),
    ],
)
def test_a_missing_row_is_named(honest: Evidence, layer: str, where: dict[str, object], told: str) -> None:
    forgery = _drops(_without(honest, layer, _row(honest, layer, **where)))
    assert not forgery.agrees
    assert told in forgery.detail


@pytest.mark.parametrize(
    ("column", "change", "told"),
    [
        ("offset_m", _more(-300.0), "L-1 stands 700.0 m off the increasing carriageway, stated 400.0 m"),
        ("carriageway", _to("decreasing"), "L-1 stands 700.0 m off the increasing carriageway"),
        ("measure_m", _more(40.0), "L-1 is a laboratory at"),
        ("drop_m", _more(-300.0), "drop of L-1 stated 388.0 m, found 688.0 m"),
        ("access", _to(""), "L-1 is not connected, a cable passes 0 m from it"),
        ("access", _to("RG-01"), "L-1 hangs on RG-01, a laboratory asks for own fibres"),
        ("connection", _to("K-1"), "a connection stands twice"),
    ],
)
def test_a_forged_place_is_named(honest: Evidence, column: str, change: Callable[[Any], Any], told: str) -> None:
    forgery = forged(honest, "connections", column, _row(honest, "connections", connection="L-1"), change)
    row = check_connections(forgery, plant_of(forgery))
    assert not row.agrees
    assert told in row.detail


def test_a_shorter_drop_in_every_figure(honest: Evidence) -> None:
    """All that tells of the laboratory's drop made 300 m shorter: where the laboratory stands is in the list."""
    row, evidence = _row(honest, "connections", connection="L-1"), honest
    evidence = forged(evidence, "connections", "offset_m", row, _more(-300.0))
    evidence = forged(evidence, "connections", "drop_m", row, _more(-300.0))
    for column, by_m in (("route_m", -300.0), ("sheath_m", -306.0), ("fibre_m", -306.0 / 0.975)):
        evidence = forged(evidence, "drop_cables", column, _row(evidence, "drop_cables", connection="L-1"), _more(by_m))
    assert _drops(evidence).agrees
    assert "L-1 stands 700.0 m off" in check_connections(evidence, plant_of(evidence)).detail
