"""ITU-R P.1812 against its published intermediate values: every row of 27 logs over 8 profiles, and the answers."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from path_profile import Measurement, measurements
from trassa.radio.diffraction import BETA_EARTH_RADIUS_KM, diffraction
from trassa.radio.p1812 import Wave
from trassa.radio.path_profile import PathProfile, read_path_profile
from trassa.radio.path_question import Air, PathLoss, path_loss

TOLERANCE = 1e-6
"""dB, m, km, mrad or a ratio alike: the logs carry ten significant digits."""

Row = tuple[str, str, float]

MISLEADING = {"Lbd (dB)"}
"""Printed after eq (61) was applied in place: eq (43) only where L_minbap is the larger. Looked at on its own."""
POWER = {"Ptx (kW)", "Ep (dBuV/m) w.r.t. Ptx, Gtx, Grx"}
"""The case's own power, where trassa answers for 1 kW."""


@dataclass(frozen=True)
class Case:
    name: str
    profile: PathProfile
    asked: Measurement
    log: list[Row]
    answer: PathLoss

    def value(self, label: str, reference: str = "") -> float:
        return next(value for *names, value in self.log if names == [label, reference])

    @property
    def found(self) -> dict[tuple[str, str], float]:
        return {(row.label, row.reference): row.value for row in self.answer.rows}


def read_log(path: Path) -> list[Row]:
    """Rows in file order; labels alone repeat, and the last label holds commas itself."""
    rows = []
    for fields in csv.reader(path.read_text("latin-1").splitlines()):
        filled = [field.strip() for field in fields if field.strip() not in ("", "$")]
        if len(filled) >= 2 and not filled[0].startswith("#"):
            label = ", ".join(filled[:-1]) if filled[0].startswith("Ep") and len(filled) > 3 else filled[0]
            reference = filled[1] if len(filled) == 3 else ""
            rows.append((label, reference, float(filled[-1])))
    return rows


@pytest.fixture(scope="module")
def cases(shared: Path) -> list[Case]:
    folder = shared / "radio" / "p1812"
    found = []
    for path in sorted((folder / "validation_results").glob("*_log.csv")):
        stem, k = path.name.removesuffix("_log.csv").rsplit("_", 1)
        file = folder / "validation_profiles" / f"{stem}.csv"
        profile, asked = read_path_profile(file), measurements(file)[int(k)]
        wave = Wave(asked.frequency_mhz / 1000.0, asked.time_percent, vertical=asked.vertical)
        antennas_m = (asked.transmitter_antenna_m, asked.receiver_antenna_m)
        found.append(Case(path.name, profile, asked, read_log(path), path_loss(profile, antennas_m, wave, Air())))
    return found


def test_all_logs_are_there(cases: list[Case]) -> None:
    assert len(cases) == 27


def test_every_row_of_every_log_in_order(cases: list[Case]) -> None:
    largest: dict[str, float] = {}
    for case in cases:
        assert [row[:2] for row in case.log] == [(row.label, row.reference) for row in case.answer.rows], case.name
        for (label, reference, expected), row in zip(case.log, case.answer.rows, strict=True):
            if label in MISLEADING | POWER:
                continue
            deviation = abs(row.value - expected)
            assert deviation <= TOLERANCE, f"{case.name}: {label} {reference} is off by {deviation:.3g}"
            largest[label] = max(largest.get(label, 0.0), deviation)
    worst = max(largest, key=lambda label: largest[label])
    print(f"{sum(len(case.log) for case in cases)} rows; largest deviation {largest[worst]:.2g} in {worst}")
    assert len(largest) > 60


def test_the_answers_of_the_profile_files(cases: list[Case]) -> None:
    for case in cases:
        found = case.answer.found
        assert found.lb_db == pytest.approx(case.asked.loss_db, abs=TOLERANCE), case.name
        field = found.field_dbuv_per_m + 10.0 * math.log10(case.asked.power_kw)
        assert field == pytest.approx(case.asked.field_dbuv_per_m, abs=TOLERANCE), case.name
        label = "Ep (dBuV/m) w.r.t. Ptx, Gtx, Grx"
        assert case.value(label) == pytest.approx(case.asked.field_dbuv_per_m, abs=TOLERANCE), case.name


def test_loss_with_diffraction_where_its_row_means_it(cases: list[Case]) -> None:
    meant = 0
    for case in cases:
        found, printed = case.answer.found, case.value("Lbd (dB)", "Eq (43)")
        if found.lminbap_db > found.lb0p_db + found.ldp_db:
            meant += 1
            assert found.lbd_db == pytest.approx(printed, abs=TOLERANCE), case.name
        else:  # the row shows what eq (61) made of it
            assert found.lbda_db == pytest.approx(printed, abs=TOLERANCE), case.name
            assert found.lbd_db == pytest.approx(
                case.value("Lb0p", "Eq (10)") + case.value("Ldp (dB)", "Eq (41)"), abs=TOLERANCE
            )
    assert meant == 25


def test_bullington_rows_are_those_of_three_earth_radii(cases: list[Case]) -> None:
    for case in cases:
        profile, beta = case.profile, case.answer.found.beta
        alone = diffraction(
            profile.distance_km,
            profile.ground_m,
            profile.clutter_m,
            hts_m=case.value("hts (m)"),
            hrs_m=case.value("hrs (m)"),
            frequency_ghz=case.value("f (GHz)"),
            earth_radius_km=BETA_EARTH_RADIUS_KM,
            sea_share=case.value("w", "Table 5"),
            polarisation="vertical" if case.asked.vertical else "horizontal",
        )
        np.testing.assert_allclose(alone, beta, atol=TOLERANCE, err_msg=case.name)
        parts_db = case.value("Lbulla (dB)", "Eq (21)") + max(
            case.value("Ldsph (dB)", "Eq (27)") - case.value("Lbulls (dB)", "Eq (21)"), 0.0
        )
        assert parts_db == pytest.approx(beta.loss_db, abs=TOLERANCE), case.name


def test_the_profile_file_agrees_with_its_log(cases: list[Case]) -> None:
    for case in cases:
        assert case.value("p (%)") == case.asked.time_percent
        assert case.value("htg (m)") == case.asked.transmitter_antenna_m
        assert case.value("hrg (m)") == case.asked.receiver_antenna_m
        assert case.value("Ptx (kW)") == pytest.approx(case.asked.power_kw, abs=1e-9)


def test_swapping_the_ends_changes_nothing(cases: list[Case]) -> None:
    for case in cases:
        profile, found = case.profile, case.answer.found
        turned = diffraction(
            profile.distance_km[-1] - profile.distance_km[::-1],
            profile.ground_m[::-1],
            profile.clutter_m[::-1],
            hts_m=found.hrs_m,
            hrs_m=found.hts_m,
            frequency_ghz=case.value("f (GHz)"),
            earth_radius_km=found.median_radius_km,
            sea_share=found.zones.sea_share,
            polarisation="vertical" if case.asked.vertical else "horizontal",
        )
        np.testing.assert_allclose(turned.loss_db, found.median.loss_db, atol=1e-8, err_msg=case.name)
