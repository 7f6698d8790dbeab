"""The verifier's availability against the planner's on lines of every kind, and rows that are told wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.linear import Layer
from trassa.optical.availability_settings import AvailabilitySettings
from trassa.optical.plan import Connection, plan_optical
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence, read_evidence
from trassa.plan.verify.optical.availability import check_availability
from trassa.plan.verify.optical.cable import plant_of
from trassa.plan.verify.optical.line import network_of
from trassa.plan.verify.optical.losses import Passed


@pytest.fixture(scope="module")
def evidence(planned_lane: Path) -> Evidence:
    return read_evidence(planned_lane)


def _checked(evidence: Evidence) -> tuple[bool, str]:
    plant = plant_of(evidence)
    row = check_availability(evidence, network_of(evidence.layers, plant, evidence.settings.optical), plant)
    return row.agrees, row.detail


LINES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one cable": ({}, {}),
    "two trenches": ({}, {"cables": 2}),
    "two trenches, nothing in common": (
        {},
        {"cables": 2, "availability": AvailabilitySettings(common_cause_ratio=0.0)},
    ),
    "one trench": ({}, {"cables": 2, "second_cable": "same_trench"}),
    "two holes, two trenches": ({"holes": [(60e3, 61e3), (130e3, 130.5e3)]}, {"cables": 2}),
    "weak huts": ({}, {"availability": AvailabilitySettings(hut_mtbf_h=900.0)}),
    "weak links": ({}, {"availability": AvailabilitySettings(equipment_mtbf_h=700.0)}),
}


@pytest.mark.parametrize(("drawn", "rules"), LINES.values(), ids=LINES)
def test_every_connection_comes_to_the_same(evidence: Evidence, drawn: dict[str, Any], rules: dict[str, Any]) -> None:
    """A drawn road in the frame of a real project: own fibres and rings, drops of all lengths."""
    settings = OpticalSettings(check_transmission=False, **rules)
    road = drawn_road(200_000.0, places=[(m, f"P {m:.0f}", True) for m in (50e3, 95e3, 140e3)], **drawn)
    sites = [
        Connection(f"S-{i:02d}", float(m), "increasing", 20.0 * i) for i, m in enumerate(np.arange(2e3, 199e3, 9e3))
    ]
    cameras = [
        Connection(f"C-{i:02d}", float(m), "increasing", 15.0, "camera")
        for i, m in enumerate(np.arange(5e3, 199e3, 11e3))
    ]
    plan = plan_optical(road, [*sites, *cameras], settings)
    optical = evidence.settings.model_copy(update={"optical": settings})
    laid = replace(evidence, settings=optical, layers={**evidence.layers, **plan.layers})
    straight = _Straight(plan.layers, settings)
    network = network_of(laid.layers, straight, settings)
    row = check_availability(laid, network, straight)
    assert row.agrees, row.detail
    assert f"{len(plan.layers['availability'])} connections" in row.detail


class _Straight:
    """Cables on a level road, on which route is measure; what their fibre loses is not asked here."""

    def __init__(self, layers: dict[str, Layer], rules: OpticalSettings) -> None:
        self.rules = rules
        self._names = set(layers["cables"]["cable"].tolist())

    def at(self, name: str, measure_m: float) -> _Straight | None:
        return self if name in self._names and measure_m >= 0.0 else None

    name = ""

    def route_m(self, measure_m: float) -> float:
        return measure_m

    def fibre_between_m(self, first_m: float, second_m: float) -> float:
        return abs(second_m - first_m)

    def passed(self, first_m: float, second_m: float) -> Passed:
        length_m = abs(second_m - first_m)
        return Passed.of(length_m, length_m // 4000.0 * self.rules.splice_loss_db, self.rules)

    def splice_db(self, measure_m: float) -> float:
        return self.rules.splice_loss_db


def test_an_honest_plan_agrees(evidence: Evidence) -> None:
    agrees, said = _checked(evidence)
    assert agrees, said


FORGERIES: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "a better share": lambda rows: rows[0].update(availability=1.0 - (1.0 - rows[0]["availability"]) * 0.9),
    "no share": lambda rows: rows[0].update(availability=float("nan")),
    "fewer minutes": lambda rows: rows[-1].update(minutes_per_year=rows[-1]["minutes_per_year"] * 0.99),
    "no minutes": lambda rows: rows[0].update(minutes_per_year=float("nan")),
    "another cause": lambda rows: rows[0].update(
        dominated_by="huts" if rows[0]["dominated_by"] != "huts" else "equipment"
    ),
    "a cause of its own": lambda rows: rows[0].update(dominated_by="weather"),
    "another service": lambda rows: rows[0].update(service="camera"),
    "another place": lambda rows: rows[0].update(measure_m=rows[0]["measure_m"] + 1.0),
    "another name": lambda rows: rows[0].update(site="S-99"),
    "a row left out": lambda rows: rows.pop(),
    "a row told twice": lambda rows: rows.append(dict(rows[0])),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
def test_a_row_told_wrong_does_not_agree(evidence: Evidence, change: Callable[[list[dict[str, Any]]], None]) -> None:
    rows = [dict(row) for row in evidence.layers["availability"].rows()]
    change(rows)
    layer = Layer.from_rows(evidence.layers["availability"].schema, rows)
    agrees, said = _checked(replace(evidence, layers={**evidence.layers, "availability": layer}))
    assert not agrees, said
