"""P.1812 on drawn paths: relations between its quantities, limits and symmetries that hold without any table."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.p1812 import Climate, Terminals, TransmissionLoss, Wave, combined_db, transmission_loss
from trassa.radio.p1812_bounds import basic_transmission_loss

LEVEL = np.zeros(101)
INLAND = np.full(101, 4)


@st.composite
def paths(draw: Any) -> dict[str, Any]:
    points = draw(
        st.lists(
            st.tuples(st.floats(0.01, 5.0), st.floats(0.0, 800.0), st.floats(0.0, 25.0), st.sampled_from([1, 3, 4])),
            min_size=5,
            max_size=40,
        )
    )
    steps, ground_m, clutter_m, zone = (np.array(column) for column in zip(*points, strict=True))
    ends = Terminals(draw(st.floats(1.0, 300.0)), draw(st.floats(1.0, 300.0)), draw(st.floats(0.0, 20.0)), 500.0)
    return {
        "distance_km": np.concatenate([[0.0], np.cumsum(steps[1:])]),
        "ground_m": ground_m,
        "clutter_m": clutter_m,
        "zone": zone,
        "terminals": ends,
        "wave": Wave(draw(st.floats(0.03, 6.0)), draw(st.floats(1.0, 50.0)), 50.0, 0.0, draw(st.booleans())),
        "climate": Climate(draw(st.floats(20.0, 80.0)), 325.0, draw(st.floats(-80.0, 80.0))),
    }


def over(ground_m: Any, length_km: float = 10.0, **changed: Any) -> TransmissionLoss:
    n = len(np.asarray(ground_m))
    path: dict[str, Any] = {
        "distance_km": np.linspace(0.0, length_km, n),
        "ground_m": ground_m,
        "clutter_m": np.zeros(n),
        "zone": np.full(n, 4),
        "terminals": Terminals(30.0, 1.5),
        "wave": Wave(0.8),
        "climate": Climate(),
    }
    return basic_transmission_loss(**(path | changed))


@settings(max_examples=300)
@given(paths())
def test_relations_between_the_rows(path: dict[str, Any]) -> None:
    found = basic_transmission_loss(**path)
    near: Any = lambda value: pytest.approx(value, abs=1e-6)  # noqa: E731
    sea_share = found.zones.sea_share
    assert found.ldp_db == near(found.median.loss_db + found.fi * (found.beta.loss_db - found.median.loss_db))
    for passed in (found.median, found.beta):
        over_smooth_db = max(passed.spherical_earth_db - passed.bullington_smooth_db, 0.0)
        assert passed.loss_db == near(passed.bullington_actual_db + over_smooth_db)
    assert found.lbd50_db == near(found.lbfs_db + found.median.loss_db)
    assert found.surface.htc_m == near(found.hts_m - found.surface.hstd_m)
    below_db = found.lb0p_db + (1.0 - sea_share) * found.ldp_db
    if path["wave"].time_percent >= found.beta0_percent:
        median_db = found.lbd50_db
        below_db = median_db + (found.lb0b_db + (1.0 - sea_share) * found.ldp_db - median_db) * found.fi
    assert found.lminb0p_db == near(below_db)
    assert found.lminbap_db == near(2.5 * np.logaddexp(found.lba_db / 2.5, found.lb0p_db / 2.5))
    with_db = found.lb0p_db + found.ldp_db
    if found.lminbap_db <= with_db:
        with_db = found.lminbap_db + (with_db - found.lminbap_db) * found.fk
    assert found.lbda_db == near(with_db)
    assert found.lbam_db == near(found.lbda_db + (found.lminb0p_db - found.lbda_db) * found.fj)
    ratio = -0.2 * math.log(10.0)
    assert found.lbc_db == near(np.logaddexp(ratio * found.lbs_db, ratio * found.lbam_db) / ratio)
    assert found.lb_db == near(max(found.lb0p_db, found.lbc_db + found.lloc_db))
    assert found.field_dbuv_per_m == near(199.36 + 20.0 * math.log10(path["wave"].frequency_ghz) - found.lb_db)


@settings(max_examples=100)
@given(paths())
def test_what_is_exceeded_more_often_is_lost_less(path: dict[str, Any]) -> None:
    at_half = basic_transmission_loss(**path | {"wave": path["wave"]._replace(time_percent=50.0)})
    rarely = basic_transmission_loss(**path | {"wave": path["wave"]._replace(time_percent=1.0)})
    assert rarely.lbs_db < at_half.lbs_db
    assert rarely.lb0p_db < at_half.lb0p_db == pytest.approx(at_half.lbfs_db, abs=1e-9)
    assert at_half.fi == pytest.approx(0.0, abs=1e-6)
    assert at_half.ldp_db == pytest.approx(at_half.median.loss_db, abs=1e-4)


@settings(max_examples=100)
@given(paths())
def test_there_and_back(path: dict[str, Any]) -> None:
    ends = path["terminals"]
    d = path["distance_km"]
    back = path | {
        "distance_km": d[-1] - d[::-1],
        "ground_m": path["ground_m"][::-1],
        "clutter_m": path["clutter_m"][::-1],
        "zone": path["zone"][::-1],
        "terminals": Terminals(ends.hrg_m, ends.htg_m, ends.coast_r_km, ends.coast_t_km),
    }
    assert basic_transmission_loss(**back).lb_db == pytest.approx(basic_transmission_loss(**path).lb_db, abs=1e-6)


def test_a_clear_path_is_never_better_than_line_of_sight() -> None:
    clear = over(np.zeros(21), 5.0, terminals=Terminals(200.0, 200.0))
    assert clear.median.loss_db == 0.0
    # scatter adds to what is received, yet the line of sight bounds it
    assert clear.lbc_db < clear.lb0p_db == clear.lb_db
    often = over(np.zeros(21), 5.0, terminals=Terminals(200.0, 200.0), wave=Wave(0.8, 1.0, 1.0, 5.5))
    assert often.lbc_db + often.lloc_db < often.lb0p_db == often.lb_db
    seldom = over(np.zeros(21), 5.0, terminals=Terminals(200.0, 200.0), wave=Wave(0.8, 50.0, 99.0, 5.5))
    assert seldom.lb_db == seldom.lbc_db + seldom.lloc_db > seldom.lb0p_db


def test_places_count_on_land_alone() -> None:
    hill = 100.0 * np.sin(np.linspace(0.0, np.pi, 101))
    wave = Wave(0.8, 50.0, 95.0, 5.5)
    half, most = over(hill), over(hill, wave=wave)
    assert most.lb_db - half.lb_db == pytest.approx(1.6449 * 5.5, abs=0.003)
    at_sea = INLAND.copy()
    at_sea[-1] = 1
    assert over(hill, wave=wave, zone=at_sea).lloc_db == 0.0


def test_the_cover_of_both_ends_is_ignored() -> None:
    cover = np.zeros(101)
    cover[[0, -1]] = 30.0
    assert over(LEVEL, clutter_m=cover).lb_db == over(LEVEL).lb_db
    cover[-2] = 30.0
    assert over(LEVEL, clutter_m=cover).lb_db > over(LEVEL).lb_db


def test_horizons_ignore_cover_and_losses_do_not() -> None:
    cover = np.zeros(101)
    cover[40:60] = 40.0
    bare, covered = over(LEVEL), over(LEVEL, clutter_m=cover)
    assert covered.seen == bare.seen
    assert covered.surface == bare.surface
    assert covered.median.bullington_actual_db > bare.median.bullington_actual_db


@given(st.floats(-3000.0, 3000.0), st.floats(-3000.0, 3000.0))
def test_two_ways_at_once_without_overflow(first_db: float, second_db: float) -> None:
    together_db = combined_db(first_db, second_db, 5.0)
    assert together_db == pytest.approx(combined_db(second_db, first_db, 5.0), abs=1e-9)
    assert min(first_db, second_db) - 5.0 * math.log10(2.0) - 1e-9 <= together_db <= min(first_db, second_db)
    assert max(first_db, second_db) <= combined_db(first_db, second_db, -5.0)


def test_inside_other_compiled_loops() -> None:
    d, zone = np.linspace(0.0, 10.0, 101), np.full(101, 4, dtype=np.int8)
    climate = Climate()

    @numba.njit
    def all_losses(heights_m: Any, h: Any, wave: Any) -> Any:
        losses = np.empty(len(heights_m))
        for i in range(len(heights_m)):
            losses[i] = transmission_loss(
                d, h, h, zone, Terminals(heights_m[i], 1.5, 500.0, 500.0), wave, climate
            ).lb_db
        return losses

    heights_m = np.array([10.0, 30.0, 60.0])
    expected = [over(LEVEL, terminals=Terminals(height, 1.5)).lb_db for height in heights_m]
    assert all_losses(heights_m, LEVEL, Wave(0.8, 50.0, 50.0, 0.0, True)).tolist() == expected


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"wave": Wave(0.0299)}, "29.9 is outside 30…6000 MHz"),
        ({"wave": Wave(math.nan)}, "frequency nan"),
        ({"wave": Wave(0.8, 0.9)}, "time percentage 0.9"),
        ({"wave": Wave(0.8, 51.0)}, "time percentage 51"),
        ({"wave": Wave(0.8, 50.0, 99.5)}, "location percentage 99.5"),
        ({"wave": Wave(0.8, 50.0, 50.0, -1.0)}, "between places -1"),
        ({"terminals": Terminals(0.5, 1.5)}, "transmitter's antenna height 0.5"),
        ({"terminals": Terminals(30.0, 3001.0)}, "receiver's antenna height 3001"),
        ({"terminals": Terminals(30.0, 1.5, -1.0)}, "coast -1"),
        ({"climate": Climate(157.0)}, "lapse rate 157"),
        ({"climate": Climate(45.0, math.inf)}, "surface refractivity inf"),
        ({"climate": Climate(45.0, 325.0, 81.0)}, "latitude of the middle of the path 81"),
        ({"zone": np.full(101, 2)}, "radio-climatic zone"),
        ({"zone": np.full(100, 4)}, "at least 5 of each kind"),
        ({"distance_km": np.linspace(0.0, 3001.0, 101)}, "3000 km"),
        ({"distance_km": np.linspace(1.0, 0.0, 101)}, "must rise"),
        ({"clutter_m": np.full(101, np.nan)}, "unknown ground"),
    ],
)
def test_what_cannot_be_asked(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        over(LEVEL, **changed)
