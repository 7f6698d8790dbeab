"""`trassa optical availability` and the report print every form of the line's availability under its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import trassa


def test_series_and_unit_stand_under_their_names(planned_hills: Path) -> None:
    body = trassa("optical", "availability", planned_hills, "--json").json
    by = {row["form"]: row for row in body["end_to_end"]}
    series = by["one cable, a series of its cut intervals, renewal form"]["unavailability_ratio"]
    linear = by["one cable, one unit, linear form"]["unavailability_ratio"]
    renewal = by["one cable, one unit, renewal form"]["unavailability_ratio"]
    # 2.13 cuts per 1000 km and year, 12 h each, over the 40 km of H 1 and what its cable is longer
    assert linear == pytest.approx(2.13 * 40.1 / 1000.0 * 12.0 / 8760.0, rel=0.01)
    assert renewal == pytest.approx(linear / (1.0 + linear), rel=1e-12)
    assert renewal < series < linear
    (simulated,) = (row for form, row in by.items() if "simulated" in form)
    low, high = simulated["interval"]
    assert low < renewal < high
    told = trassa("optical", "availability", planned_hills).out
    report = (planned_hills / "report.html").read_text("utf-8")
    for form in by:
        assert form in told
        assert form in report
    assert body["worst"] == sorted(body["worst"], key=lambda row: row["availability"])
    assert body["worst"][0]["connection"] in told
