"""Radio in tunnels against closed forms, brute force, published laws and a real road's tunnels."""

from __future__ import annotations

import math
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod
from scipy.stats import norm

from drawn_road import drawn_road
from trassa.errors import ConfigError, InputError
from trassa.plan.settings import parse_settings
from trassa.radio.settings import RadioSettings
from trassa.radio.tunnel_budget import BoreBudget, bore_budget_of
from trassa.radio.tunnel_cable import CableLoss, cable_loss
from trassa.radio.tunnel_design import heads_along, heads_heard
from trassa.radio.tunnel_settings import TYPICAL_CABLES, TunnelSettings
from trassa.radio.tunnels import bores_of, plan_tunnels
from trassa.road.osm import read_roads
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.survey import survey

CABLE = CableLoss(3.0, 70.0)


def cable_budget(at_head_db: float, split_db: float, db_per_m: float) -> BoreBudget:
    """A budget of which only the margin at the head-end, one way, and what it loses are of interest."""
    return BoreBudget(10.0, 0.0, at_head_db, "rsrp", 0.0, 0.0, split_db, db_per_m, CABLE, 0.8, 9.0)


def antenna_budget(largest_db: float) -> BoreBudget:
    return BoreBudget(10.0, 0.0, largest_db, "rsrp", 0.0, 0.0, 3.5, 0.02, None, 0.8, 9.0)


def worst(at_m: np.ndarray, heads: tuple[int, ...], budget: BoreBudget, servers: int) -> float:
    """Worst margin of the k-th best head-end over the bins; −∞ where there are fewer."""
    if len(heads) < servers:
        return -math.inf
    return float(np.sort(heads_heard(at_m, heads, budget), axis=0)[-servers].min())


@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("budget", [cable_budget(9.0, 3.5, 0.1), cable_budget(6.0, 3.0, 0.12), antenna_budget(71.0)])
def test_no_choice_of_head_ends_is_smaller_or_has_a_larger_margin(budget: BoreBudget, servers: int) -> None:
    """Every choice of points on bores of up to 12 bins, some of odd length, is tried."""
    for bins in (1, 2, 5, 9, 12):
        at_m = np.append(10.0 * np.arange(bins), 10.0 * bins - 3.5)
        chosen = heads_along(at_m, budget, servers)
        for number in range(1, len(at_m) + 1):
            best = max(worst(at_m, heads, budget, servers) for heads in combinations(range(len(at_m)), number))
            if best >= 0.0:
                break
        else:
            assert not len(chosen)
            continue
        assert len(chosen) == number
        assert worst(at_m, tuple(chosen.tolist()), budget, servers) == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("length_m", [200.0, 1500.0, 5230.0, 17_000.0])
def test_numbers_follow_the_closed_form(length_m: float) -> None:
    """Reach r one way and s both ways: n head-ends serve n·2s; with any one down (n − 1)·s, two of them r."""
    at_m = np.linspace(0.0, length_m, round(length_m / 10.0) + 1)
    budget = cable_budget(30.0, 4.0, 0.05)
    one_way_m, both_m = 30.0 / 0.05, 26.0 / 0.05
    alone, paired = heads_along(at_m, budget, 1), heads_along(at_m, budget, 2)
    # points stand every 10 m, so a span falls short of its reach by a bin at most on either side
    assert math.ceil(length_m / (2 * both_m)) <= len(alone) <= math.ceil(length_m / (2 * both_m - 20.0))
    least = 2 if length_m <= one_way_m else 1 + math.ceil(length_m / both_m)
    most = 2 if length_m <= one_way_m else 1 + math.ceil(length_m / (both_m - 10.0))
    assert least <= len(paired) <= most
    assert (paired[0], paired[-1]) == (0, len(at_m) - 1)


def test_the_level_at_a_place_by_hand() -> None:
    """10 MHz at 900 MHz: 600 resource elements share 40 dBm; one column of the sums for one place, 500 m in."""
    sheet = [[800.0, 3.0, 70.0], [1000.0, 3.0, 70.0]]
    tunnel = TunnelSettings(
        serve="radiating-cable", data_sheet=sheet, power_dbm=40.0, feed_loss_db=1.5, splitter_loss_db=3.2,
        sigma_db=4.0, lane_distance_m=20.0, distance_law_db=10.0, cable_slack=0.02,
    )  # fmt: skip
    budget = bore_budget_of(RadioSettings(tunnel=tunnel, frequency_mhz=900.0, vehicle_gain_dbi=1.0))
    per_re_dbm = 40.0 - 10.0 * math.log10(600.0)
    level_dbm = per_re_dbm - 1.5 - 3.2 - 5.0 * 3.0 * 1.02 - 70.0 - 2.15 - 10.0 + 1.0
    margin_db = level_dbm + 110.0 - 4.0 * norm.ppf(0.95)
    assert float(budget.margin_db(500.0)) == pytest.approx(margin_db, abs=1e-9)
    assert float(budget.rsrp_dbm(margin_db)) == pytest.approx(level_dbm, abs=1e-9)
    assert float(budget.margin_db(500.0, False)) == pytest.approx(margin_db + 3.2, abs=1e-9)


@pytest.mark.parametrize("reliability", [0.9, 0.95, 0.99, 0.999])
def test_what_is_taken_covers_spread_and_shadowing_together(reliability: float) -> None:
    """Where both are normal their sum has σ = √(a² + b²): what is taken must reach its quantile."""
    for local, sigma in ((6.0, 5.0), (0.0, 8.0), (9.0, 1.0)):
        tunnel = TunnelSettings(serve="radiating-cable", local_sigma_db=local, sigma_db=sigma)
        taken_db = bore_budget_of(RadioSettings(tunnel=tunnel, reliability=reliability)).fade_db
        beyond_median_db = taken_db + norm.ppf(0.95) * local
        assert norm.cdf(beyond_median_db / math.hypot(local, sigma)) >= reliability - 1e-12


def test_losses_between_rows_are_a_power_of_the_frequency() -> None:
    """Pure skin effect in the table's two rows is skin effect in between."""
    skin = TunnelSettings(data_sheet=[[400.0, 2.0, 60.0], [1600.0, 4.0, 66.0]])
    found = cable_loss(skin, 900.0)
    assert found.longitudinal_db_per_100m == pytest.approx(2.0 * math.sqrt(900.0 / 400.0), rel=1e-12)
    assert found.coupling_db == pytest.approx(60.0 + 6.0 * math.log(900.0 / 400.0) / math.log(4.0), rel=1e-12)


@pytest.mark.parametrize(
    ("size", "feeder"),
    [
        ("1-1/4", ((435.0, 1.75), (1296.0, 3.2), (2320.0, 4.6))),
        ("7/8", ((435.0, 2.6), (1296.0, 4.7), (2320.0, 6.6))),
    ],
)
def test_no_typical_cable_loses_less_than_the_plain_feeder_of_its_size(
    size: str, feeder: tuple[tuple[float, float], ...]
) -> None:
    """dB/100 m of HELIAX LDF6-50 and LDF5-50A, which leak nothing, as their tables give them."""
    for mhz, plain_db in feeder:
        settings = TunnelSettings.model_validate({"cable": size})
        at_mhz = max(mhz, TYPICAL_CABLES[size][0][0])
        assert cable_loss(settings, at_mhz).longitudinal_db_per_100m > plain_db


@pytest.mark.parametrize(("mhz", "bound"), [(430.0, "450 MHz"), (3700.0, "3600 MHz")])
def test_a_frequency_outside_the_table_is_refused_with_its_bound(mhz: float, bound: str) -> None:
    with pytest.raises(InputError, match=rf"{mhz:g} MHz lies outside the typical 1-1/4 inch cable.*{bound}"):
        bore_budget_of(RadioSettings(tunnel=TunnelSettings(serve="radiating-cable"), frequency_mhz=mhz))


@pytest.mark.parametrize("mhz", [450.0, 800.0, 1800.0, 3500.0])
def test_antennas_are_taken_to_reach_less_far_than_a_waveguide_lets_them(mhz: float) -> None:
    """Free space to the break point a²/λ, then the EH11 mode of a dielectric bore: Emslie 1975, Zhang 2003.

    A two-lane bore of 10 m by 6 m in concrete (relative permittivity 5), horizontal polarisation: the lossier one.
    """
    wide, high, eps, wave = 10.0, 6.0, 5.0, 299.792458 / mhz
    mode_db = 4.343 * wave**2 * (eps / (wide**3 * math.sqrt(eps - 1.0)) + 1.0 / (high**3 * math.sqrt(eps - 1.0)))
    far_m = np.arange(20.0, 3000.0, 20.0)
    break_m = wide**2 / wave
    near_m = np.minimum(far_m, break_m)
    hybrid_db = 20.0 * np.log10(4.0 * math.pi * near_m / wave) + mode_db * np.maximum(far_m - break_m, 0.0)
    tunnel = TunnelSettings(serve="repeater", feed_loss_db=0.0, splitter_loss_db=3.0)
    ours_db = bore_budget_of(RadioSettings(tunnel=tunnel, frequency_mhz=mhz)).loss_db(far_m) - 3.0
    assert (ours_db >= hybrid_db - 0.06).all()  # 92.4 of the Recommendation stands for 92.448 dB


def test_uplink_needs_hold_at_a_head_end_too() -> None:
    """5 Mbit/s up from 23 dBm need more than an RSRP of −110 dBm asks for; and no power of the head-end helps them."""
    weak, strong = (
        bore_budget_of(
            RadioSettings(tunnel=TunnelSettings(serve="radiating-cable", power_dbm=power_dbm), rate_up_mbps=5.0)
        )
        for power_dbm in (43.0, 49.0)
    )
    assert (weak.limiting, strong.limiting) == ("uplink rate", "uplink rate")
    assert strong.largest_loss_db == pytest.approx(weak.largest_loss_db)


def test_bores_are_what_tunnels_touch_and_the_way_of_a_handover_around() -> None:
    road = drawn_road(3000.0, tunnels=[(1004.0, 1196.0), (1260.0, 1300.0), (2000.0, 2010.0)])
    first, second = bores_of(road, 40.0, 20.0)[:2]
    assert (first.carriageway, second.carriageway) == ("increasing", "decreasing")
    line = road.alignments["increasing"].measure_m[first.points]
    assert (line[0], line[-1]) == (960.0, 1340.0)
    assert first.inside.sum() == 20 + 4
    assert len(bores_of(road, 10.0, 0.0)) == 6
    settings = RadioSettings(design_speed_kmh=360.0, tunnel=TunnelSettings(serve="repeater", portal_overlap_m=10.0))
    bins = plan_tunnels(road, settings).layers["tunnel_bins"].where(carriageway="increasing")
    assert bins["start_m"][0] == 930.0  # 100 m/s for 0.69 s


def test_a_rate_that_no_level_carries_leaves_the_bore_without_head_ends() -> None:
    road = drawn_road(2000.0, tunnels=[(500.0, 900.0)])
    settings = RadioSettings(tunnel=TunnelSettings(serve="radiating-cable"), rate_down_mbps=900.0)
    plan = plan_tunnels(road, settings)
    assert not len(plan.layers["tunnel_heads"])
    assert np.isnan(plan.layers["tunnel_bins"]["margin_db"]).all()
    assert any("2 bores cannot be served" in note for note in plan.notes)


def test_masts_and_tunnels_cannot_both_be_made_to_serve() -> None:
    with pytest.raises(ConfigError, match="exempt_structures must name them"):
        parse_settings('[road]\nref = "A 4"\n[radio]\nexempt_structures = []\n[radio.tunnel]\nserve = "repeater"\n')
    with pytest.raises(ConfigError, match=re.escape("[100, 0, 70] is no row")):
        parse_settings('[road]\nref = "A 4"\n[radio.tunnel]\ndata_sheet = [[100.0, 0.0, 70.0], [200.0, 1.0, 70.0]]\n')


def test_prices_of_tunnels_in_another_currency_are_asked_for_where_they_are_paid() -> None:
    text = '[road]\nref = "A 4"\n[project]\ncurrency = "RUB"\n[radio.tunnel]\nserve = "{}"\n'
    counts = []
    for serve in ("exempt", "repeater"):
        with pytest.raises(ConfigError, match=r"\((\d+) such\)") as refused:
            parse_settings(text.format(serve))
        counts.append(int(re.findall(r"\((\d+) such", str(refused.value))[0]))
    assert counts[1] == counts[0] + 2


def test_the_tunnels_of_the_a39_get_a_cable_each(shared: Path) -> None:
    """Lengths of the bores against the tagged ways themselves, node by node."""
    file = shared / "roads" / "testfeld_nds" / "TestfeldNDS_main_roads.osm.gz"
    road = survey(RoadSettings(ref="A 39", osm=[file.name]), None, TerrainSettings(), file.parent)
    settings = RadioSettings(tunnel=TunnelSettings(serve="radiating-cable", shortest_m=200.0))
    plan = plan_tunnels(road, settings)
    raw = read_roads([file], lambda tags: tags.get("ref") == "A 39" and tags.get("tunnel") == "yes")
    metres = [Geod(ellps="WGS84").line_length(way.longitude_deg, way.latitude_deg) for way in raw.ways.values()]
    cables = plan.layers["tunnel_cables"]
    inside = plan.layers["tunnel_bins"].take(plan.layers["tunnel_bins"]["inside"])
    inside_m = float((inside["end_m"] - inside["start_m"]).sum())
    assert len(cables) == 2  # galleries: the map has the tunnels on one carriageway only
    assert inside_m == pytest.approx(sum(m for m in metres if m >= 200.0), abs=20.0 * len(cables))
    assert (plan.layers["tunnel_bins"]["second_margin_db"] > 0.0).all()
