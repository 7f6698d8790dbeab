"""Choices of protection against the closed forms of two cables with a common cause, and against what each survives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import trassa
from trassa.errors import UsageError
from trassa.plan.optical.protection import protection_choices

HOURS = 8760.0


def test_the_choices_of_a_road_in_order_of_cost(planned_hills: Path) -> None:
    found = protection_choices(planned_hills, parallel_km=55.0)
    by = {choice.name: choice for choice in found.choices}
    one, both = by["one cable (as planned)"], by["two cables, both sides"]
    trench, other = by["two cables, one trench"], by["one cable, 55 km of another road"]
    assert [c.cost_minor for c in found.choices] == sorted(c.cost_minor for c in found.choices)
    assert one.cost_minor < trench.cost_minor < both.cost_minor
    # one cable: renewal of 2.13 cuts per 1000 km and year, 12 h each, over 40 km, as a series or as one unit
    rho = 2.13 * 40.0 / 1000.0 * 12.0 / HOURS
    assert one.backbone_ratio == pytest.approx(rho / (1.0 + rho), rel=0.01)
    assert trench.backbone_ratio == pytest.approx(one.backbone_ratio, rel=1e-9)
    # both sides: β U + ((1 − β) U)² of the facts, renewal terms apart
    assert both.backbone_ratio == pytest.approx(0.05 * rho + (0.95 * rho) ** 2, rel=0.02)
    far = 2.13 * 55.0 / 1000.0 * 12.0 / HOURS
    assert other.backbone_ratio == pytest.approx(one.backbone_ratio * far / (1.0 + far), rel=1e-12)
    assert other.cost_minor == one.cost_minor + 55 * 250_000  # 2,500 EUR a kilometre for fibres along another road
    assert {c.name: c.cuts_backbone for c in found.choices if not c.cuts_backbone} == {
        both.name: False,
        other.name: False,
    }
    assert all(c.stranded_pairs == 0 for c in found.choices)
    assert both.worst_minutes is not None
    assert one.worst_minutes is not None
    assert both.worst_minutes <= one.worst_minutes * (1.0 + 1e-6)


def test_on_the_command_line(planned_hills: Path) -> None:
    told = trassa("optical", "protection", planned_hills)
    assert told.code == 0, told.err
    assert "two cables, both sides" in told.out
    body = json.loads(trassa("optical", "protection", planned_hills, "--json").out)
    assert len(body["choices"]) == 3
    with pytest.raises(UsageError):
        protection_choices(planned_hills, parallel_km=-1.0)
