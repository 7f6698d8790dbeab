"""Diffraction against the published intermediate values of ITU-R P.1812: 27 logs over 8 profiles."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from path_profile import PathProfile, read_path_profile
from trassa.radio.diffraction import (
    BETA_EARTH_RADIUS_KM,
    Diffraction,
    diffraction,
    free_space_loss_db,
    median_earth_radius_km,
)

TOLERANCE = 1e-6
"""dB, m, km or a ratio alike: the logs carry ten significant digits."""

Log = dict[tuple[str, str], float]


def read_log(path: Path) -> Log:
    """Rows by (label, reference): labels alone repeat, and the last label holds commas itself."""
    log: Log = {}
    for row in csv.reader(path.read_text("latin-1").splitlines()):
        filled = [field.strip() for field in row if field.strip() not in ("", "$")]
        if len(filled) >= 2 and not filled[0].startswith("#"):
            log[filled[0], ",".join(filled[1:-1])] = float(filled[-1])
    return log


def cases(shared: Path) -> list[tuple[str, PathProfile, Log]]:
    folder = shared / "radio" / "p1812"
    found = []
    for log in sorted((folder / "validation_results").glob("*_log.csv")):
        stem = log.name.removesuffix("_log.csv").rsplit("_", 1)[0]
        profile = read_path_profile(folder / "validation_profiles" / f"{stem}.csv")
        found.append((log.name, profile, read_log(log)))
    return found


@pytest.fixture(scope="module")
def evaluated(shared: Path) -> list[tuple[str, PathProfile, Log, Diffraction, Diffraction]]:
    return [(name, profile, log, *both_radii(profile, log)) for name, profile, log in cases(shared)]


def both_radii(profile: PathProfile, log: Log) -> tuple[Diffraction, Diffraction]:
    median, beta = (
        diffraction(
            profile.distance_km,
            profile.ground_m,
            profile.clutter_m,
            hts_m=profile.ground_m[0] + log["htg (m)", ""],
            hrs_m=profile.ground_m[-1] + log["hrg (m)", ""],
            frequency_ghz=log["f (GHz)", ""],
            earth_radius_km=radius_km,
            sea_share=log["w", "Table 5"],
            polarisation="horizontal" if log["pol", ""] == 1 else "vertical",
        )
        for radius_km in (median_earth_radius_km(log["DN", ""]), BETA_EARTH_RADIUS_KM)
    )
    return median, beta


# The logs print L_bulla, L_bulls and L_dsph of the a_β pass at every time percentage; of the a_e pass only L_d50.
ROWS = {
    "hst (m) Eq (85)": lambda log, median, beta: median.hst_m,
    "hsr (m) Eq (86)": lambda log, median, beta: median.hsr_m,
    "hstd (m) Eq (89)": lambda log, median, beta: median.hstd_m,
    "hsrd (m) Eq (89)": lambda log, median, beta: median.hsrd_m,
    "htc (m) Eq (37a)": lambda log, median, beta: median.htc_m,
    "hrc (m) Eq (37b)": lambda log, median, beta: median.hrc_m,
    "Lbulla (dB) Eq (21)": lambda log, median, beta: beta.bullington_actual_db,
    "Lbulls (dB) Eq (21)": lambda log, median, beta: beta.bullington_smooth_db,
    "Ldsph (dB) Eq (27)": lambda log, median, beta: beta.spherical_earth_db,
    "Ldb (dB) Eq (39)": lambda log, median, beta: beta.loss_db,
    "Ld50 (dB) Eq (39)": lambda log, median, beta: median.loss_db,
    "ae (km) Eq (7a)": lambda log, median, beta: median_earth_radius_km(log["DN", ""]),
    "Lbfs Eq (8)": lambda log, median, beta: free_space(log),
    "Lbd50 (dB) Eq (42)": lambda log, median, beta: free_space(log) + median.loss_db,
}


def free_space(log: Log) -> float:
    return free_space_loss_db(log["f (GHz)", ""], log["d (km)", ""], log["hts (m)", ""] - log["hrs (m)", ""])


def test_all_logs_are_there(evaluated) -> None:
    assert len(evaluated) == 27


@pytest.mark.parametrize("row", ROWS)
def test_row_agrees_in_every_log(evaluated, row: str) -> None:
    label, _, reference = row.partition(" Eq ")
    largest = 0.0
    for name, _, log, median, beta in evaluated:
        deviation = abs(ROWS[row](log, median, beta) - log[label, f"Eq {reference}"])
        assert deviation <= TOLERANCE, f"{name}: {row} is off by {deviation:.3g}"
        largest = max(largest, deviation)
    print(f"{row}: largest deviation {largest:.2g} over {len(evaluated)} logs")


def test_profile_file_agrees_with_its_log(evaluated) -> None:
    for name, profile, log, _, _ in evaluated:
        case = profile.measurements[int(name.removesuffix("_log.csv").rsplit("_", 1)[1])]
        assert profile.distance_km[-1] == pytest.approx(log["d (km)", ""], abs=1e-9)
        assert profile.sea_share == pytest.approx(log["w", "Table 5"], abs=1e-9)
        assert profile.dn_per_km == log["DN", ""]
        assert case.frequency_mhz == pytest.approx(1000.0 * log["f (GHz)", ""])
        assert case.transmitter_antenna_m == log["htg (m)", ""]
        assert case.receiver_antenna_m == log["hrg (m)", ""]
        assert case.polarisation == ("horizontal" if log["pol", ""] == 1 else "vertical")
        assert case.time_percent == log["p (%)", ""]
        assert case.loss_db == pytest.approx(log["Lb (dB)", "Eq (69)"], abs=1e-6)


def test_swapping_the_ends_changes_nothing(evaluated) -> None:
    for name, profile, log, median, _ in evaluated:
        turned = diffraction(
            profile.distance_km[-1] - profile.distance_km[::-1],
            profile.ground_m[::-1],
            profile.clutter_m[::-1],
            hts_m=log["hrs (m)", ""],
            hrs_m=log["hts (m)", ""],
            frequency_ghz=log["f (GHz)", ""],
            earth_radius_km=median_earth_radius_km(log["DN", ""]),
            sea_share=log["w", "Table 5"],
            polarisation="horizontal" if log["pol", ""] == 1 else "vertical",
        )
        np.testing.assert_allclose(turned.loss_db, median.loss_db, atol=1e-8, err_msg=name)
