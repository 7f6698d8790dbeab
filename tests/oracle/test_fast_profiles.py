"""The fast path without a grid: published P.1812 profiles at equal steps, a smooth Earth, the rural macro cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from path_profile import measurements
from trassa.errors import InputError
from trassa.radio.given_profiles import profile_losses
from trassa.radio.links import smooth_links
from trassa.radio.p1812 import Climate, Terminals, Wave, transmission_loss
from trassa.radio.path_profile import read_path_profile
from trassa.radio.path_properties import INLAND
from trassa.radio.reference_path import smooth_reference_loss_db
from trassa.radio.rural_macro import rural_macro_db, rural_macro_los_db, rural_macro_nlos_db
from trassa.radio.settings import RadioSettings

LIMIT_DB = 0.05
LONGEST_KM = 50.0
LATITUDE_DEG = 47.0

FloatArray = npt.NDArray[np.float64]


def even(distance_km: FloatArray, heights_m: FloatArray, steps: int) -> FloatArray:
    """Heights at equal steps of the first 50 km, as the fast path stores them."""
    at_km = np.linspace(0.0, min(LONGEST_KM, float(distance_km[-1])), steps + 1)
    return np.interp(at_km, distance_km, heights_m).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("steps", [200, 701])
def test_the_published_profiles(shared: Path, steps: int) -> None:
    """Every case of every profile, at its own percentage of time and at others, as an inland path."""
    deviations = []
    for file in sorted((shared / "radio" / "p1812" / "validation_profiles").glob("*.csv")):
        profile = read_path_profile(file)
        ground_m = even(profile.distance_km, profile.ground_m, steps)
        clutter_m = even(profile.distance_km, profile.clutter_m, steps)
        length_km = min(LONGEST_KM, float(profile.distance_km[-1]))
        d = np.linspace(0.0, length_km, steps + 1)
        raised_m = ground_m + clutter_m
        raised_m[[0, -1]] = ground_m[[0, -1]]
        for case in measurements(file):
            for percent in (case.time_percent, 1.0, 10.0, 50.0):
                wanted = transmission_loss(
                    d, ground_m, raised_m, np.full(steps + 1, INLAND, np.int8),
                    Terminals(case.transmitter_antenna_m, case.receiver_antenna_m),
                    Wave(0.001 * case.frequency_mhz, percent, 50.0, 0.0, case.vertical),
                    Climate(45.0, 325.0, LATITUDE_DEG),
                )  # fmt: skip
                found_db = profile_losses(
                    [1000.0 * length_km], ground_m[None], clutter_m[None], [[case.transmitter_antenna_m, np.nan]],
                    LATITUDE_DEG, frequency_mhz=case.frequency_mhz, receiver_antenna_m=case.receiver_antenna_m,
                    time_percent=percent, polarisation="vertical" if case.vertical else "horizontal",
                )  # fmt: skip
                assert np.isinf(found_db[0, 1])
                deviations.append(found_db[0, 0] - wanted.lb_db)
    size = np.abs(deviations)
    print(f"{steps} steps: {len(size)} cases, largest {size.max():.5f} dB, 99 % {np.quantile(size, 0.99):.5f} dB")
    assert len(size) == 4 * 27
    assert size.max() <= LIMIT_DB


@pytest.mark.parametrize("time_percent", [50.0, 10.0, 1.0])
@pytest.mark.parametrize("frequency_mhz", [100.0, 800.0, 6000.0])
def test_smooth_links_against_the_reference(frequency_mhz: float, time_percent: float) -> None:
    rng = np.random.default_rng(4)
    measure, offset = rng.uniform(0.0, 60_000.0, 6), rng.uniform(10.0, 2000.0, 6)
    heights = np.array([[20.0, 40.0], [25.0, 35.0], [25.0, np.nan], [10.0, 200.0], [35.0, 35.0], [60.0, 25.0]])
    receivers = np.concatenate([np.arange(0.0, 60_000.0, 1730.0), measure + 30.0, measure + 230.0])
    settings = RadioSettings(frequency_mhz=frequency_mhz)
    links = smooth_links(
        measure, offset, heights, receivers, frequency_mhz=frequency_mhz, dn_per_km=settings.dn_per_km,
        receiver_antenna_m=settings.vehicle_antenna_m, reach_m=40_000.0, time_percent=time_percent, latitude_deg=61.0,
    )  # fmt: skip
    distance_m = np.hypot(receivers[None, :] - measure[:, None], offset[:, None])
    np.testing.assert_array_equal(links.place, np.nonzero(distance_m <= 40_000.0)[0])
    np.testing.assert_array_equal(links.receiver, np.nonzero(distance_m <= 40_000.0)[1])
    worst_db = 0.0
    for k, place in enumerate(links.place):
        length_m = float(distance_m[place, links.receiver[k]])
        for h, height_m in enumerate(heights[place]):
            if np.isnan(height_m):
                assert links.loss_db[k, h] == np.inf
                continue
            wanted_db = smooth_reference_loss_db(length_m, float(height_m), settings, time_percent, 61.0)
            worst_db = max(worst_db, abs(float(links.loss_db[k, h]) - wanted_db))
    print(f"smooth Earth, {frequency_mhz:g} MHz, {time_percent:g} %: {len(links)} links, largest {worst_db:.1e} dB")
    assert worst_db < 2e-5  # single precision of the stored loss


@pytest.mark.parametrize("propagation", ["tr38901-rma", "free-space"])
def test_other_models_over_a_smooth_earth(propagation: str) -> None:
    settings = RadioSettings(propagation=propagation)
    heights, along_m = np.array([[8.0, 30.0, 150.0, 151.0]]), np.geomspace(5.0, 30_000.0, 60)
    links = smooth_links(
        [0.0], [0.0], heights, along_m, frequency_mhz=800.0, receiver_antenna_m=1.5, reach_m=40_000.0,
        dn_per_km=45.0, propagation=propagation,
    )  # fmt: skip
    wanted_db = [[smooth_reference_loss_db(float(d), float(h), settings) for h in heights[0]] for d in along_m]
    np.testing.assert_allclose(links.loss_db, wanted_db, rtol=0.0, atol=2e-5)
    assert np.isinf(links.loss_db).any() == (propagation == "tr38901-rma")


# A hand-check sheet of TR 38.901 (edwardoughton/pysim5g): 0.7 GHz, mast 35 m, receiver 1.5 m, houses 5 m, streets 20 m.
SHEET_DB = {100.0: (70.219, 79.009), 5000.0: (121.331, 143.754)}


@pytest.mark.parametrize("distance_m", SHEET_DB)
def test_rural_macro_cell_by_a_hand_check(distance_m: float) -> None:
    los_db, nlos_db = SHEET_DB[distance_m]
    assert rural_macro_los_db(distance_m, 35.0, 1.5, 0.7) == pytest.approx(los_db, abs=5e-4)
    # the sheet squares 3.7 h/h_BS where the table has 3.7 (h/h_BS)²
    slip_db = ((3.7 * 5.0 / 35.0) ** 2 - 3.7 * (5.0 / 35.0) ** 2) * np.log10(35.0)
    assert rural_macro_nlos_db(distance_m, 35.0, 1.5, 0.7) == pytest.approx(nlos_db - slip_db, abs=5e-4)


def test_rural_macro_cell_ends_where_its_table_does() -> None:
    assert rural_macro_los_db(3.0, 35.0, 1.5, 0.7) == rural_macro_los_db(10.0, 35.0, 1.5, 0.7)
    for beyond in ((10_001.0, 35.0, True), (5001.0, 35.0, False), (100.0, 9.9, True), (100.0, 150.1, True)):
        assert np.isinf(rural_macro_db(*beyond[:2], 1.5, 0.7, beyond[2]))
    assert rural_macro_db(10_000.0, 150.0, 1.5, 0.7, True) == rural_macro_los_db(10_000.0, 150.0, 1.5, 0.7)
    assert rural_macro_db(5000.0, 10.0, 1.5, 0.7, False) == rural_macro_nlos_db(5000.0, 10.0, 1.5, 0.7)


LEVEL = np.full((1, 6), 100.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ground_m": LEVEL[:, :4], "clutter_m": LEVEL[:, :4]}, "5 points"),
        ({"clutter_m": LEVEL[:, :5]}, "5 points"),
        ({"ground_m": LEVEL * np.nan}, "unknown ground"),
        ({"distance_m": [0.0]}, "length above 0 m"),
        ({"heights_m": [[0.5]]}, "1…3000 m"),
        ({"heights_m": [[30.0], [30.0]]}, "1 profiles"),
        ({"time_percent": 0.5}, "1…50 %"),
        ({"propagation": "hata"}, "no propagation model 'hata'"),
        ({"propagation": "tr38901-rma", "frequency_mhz": 400.0}, "500 MHz"),
    ],
)
def test_given_profiles_are_checked(change: dict[str, object], message: str) -> None:
    asked = {"distance_m": [1000.0], "ground_m": LEVEL, "clutter_m": 0.0 * LEVEL, "heights_m": [[30.0]]}
    model = {"latitude_deg": 50.0, "frequency_mhz": 800.0, "receiver_antenna_m": 1.5}
    with pytest.raises(InputError, match=message):
        profile_losses(**(asked | model | change))
