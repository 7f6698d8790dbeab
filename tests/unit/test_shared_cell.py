"""Shared cells: power sums in closed form, grouping by trying every partition, delays by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from pyproj import Geod

from trassa.errors import InputError
from trassa.radio.shared_cell import (
    ECPRI_ONE_WAY_US,
    Arrivals,
    FronthaulNeed,
    SharedCells,
    cyclic_prefix_us,
    fronthaul_needs,
    fronthaul_reach_m,
    group_sites,
    head_distances_m,
    shared_signals,
)
from trassa.radio.signals import Signals

LIGHT_M_PER_US = 299.792458


def one_bin(levels: list[float], site: list[int] | None = None) -> Signals:
    """All heads on one bin, strongest first."""
    rsrp = np.array(levels)
    assert (np.diff(rsrp) <= 0.0).all()
    sites = np.arange(len(levels)) if site is None else np.array(site)
    return Signals(np.array([0, len(levels)]), np.arange(len(levels)), rsrp, rsrp + 12.0, sites)


def all_one(sites: int) -> SharedCells:
    return SharedCells(np.zeros(sites, np.int64), np.zeros(1))


@pytest.mark.parametrize("heads", [1, 2, 3, 7])
def test_equal_heads_add_ten_lg_of_their_number(heads: int) -> None:
    signals = one_bin([-90.0] * heads)
    joined = shared_signals(signals, all_one(heads), distance_m=np.full(heads, 700.0), prefix_us=4.69)
    assert joined.rsrp_dbm == pytest.approx([-90.0 + 10.0 * math.log10(heads)], abs=1e-9)
    assert joined.interference_dbm == pytest.approx([-78.0 + 10.0 * math.log10(heads)], abs=1e-9)
    assert joined.cell.tolist() == [0]
    assert joined.site.tolist() == [0]


def test_what_arrives_outside_the_prefix_is_not_wanted_but_disturbs_others() -> None:
    signals = one_bin([-80.0, -83.0, -86.0])
    distance = np.array([500.0, 500.0 + 4.68 * LIGHT_M_PER_US, 500.0 + 4.70 * LIGHT_M_PER_US])
    joined = shared_signals(signals, all_one(3), distance_m=distance, prefix_us=4.69)
    inside = 10.0 * math.log10(10**-8.0 + 10**-8.3)
    assert joined.rsrp_dbm == pytest.approx([inside], abs=1e-9)
    assert joined.interference_dbm == pytest.approx([12.0 + 10.0 * math.log10(10**-8.0 + 10**-8.3 + 10**-8.6)])


def test_the_prefix_is_set_where_most_power_is() -> None:
    """Arrivals at 0, 4 and 8 µs: no prefix of 4.69 µs holds all three, one holds the two later ones."""
    signals = one_bin([-80.0, -81.0, -82.0])
    distance = np.array([4.0, 8.0, 0.0]) * LIGHT_M_PER_US
    joined = shared_signals(signals, all_one(3), distance_m=distance, prefix_us=4.69)
    assert joined.rsrp_dbm == pytest.approx([10.0 * math.log10(10**-8.0 + 10**-8.1)], abs=1e-9)


def test_cells_of_their_own_stay_as_they_are() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(0, 4, 50)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    cell = np.concatenate([rng.permutation(6)[:count] for count in counts]).astype(np.int64)
    rsrp = np.concatenate([np.sort(rng.uniform(-110.0, -70.0, count))[::-1] for count in counts])
    signals = Signals(start, cell, rsrp, rsrp + 3.0, np.arange(6))
    alone = SharedCells(np.arange(6), np.zeros(6))
    same = shared_signals(signals, alone, distance_m=np.full(len(cell), 9000.0), prefix_us=4.69)
    np.testing.assert_array_equal(same.bin_start, signals.bin_start)
    np.testing.assert_array_equal(same.cell, signals.cell)
    np.testing.assert_allclose(same.rsrp_dbm, signals.rsrp_dbm, atol=1e-9)
    np.testing.assert_allclose(same.interference_dbm, signals.interference_dbm, atol=1e-9)


def test_shared_cells_come_strongest_first_and_power_is_kept() -> None:
    rng = np.random.default_rng(4)
    bins, sites = 30, 9
    levels = np.sort(rng.uniform(-110.0, -70.0, (bins, sites)), axis=1)[:, ::-1]
    cell = np.stack([rng.permutation(sites) for _ in range(bins)])
    signals = Signals(np.arange(bins + 1) * sites, cell.ravel(), levels.ravel(), levels.ravel(), np.arange(sites))
    shared = SharedCells(np.array([0, 0, 0, 1, 1, 2, 2, 2, 2]), np.zeros(3))
    joined = shared_signals(signals, shared, distance_m=np.zeros(bins * sites), prefix_us=4.69)
    assert np.diff(joined.bin_start).tolist() == [3] * bins
    for number in range(bins):
        part = slice(3 * number, 3 * number + 3)
        assert (np.diff(joined.rsrp_dbm[part]) <= 0.0).all()
        for group, level in zip(joined.cell[part], joined.rsrp_dbm[part], strict=True):
            heads = levels[number][shared.cell[cell[number]] == group]
            assert level == pytest.approx(10.0 * math.log10(sum(10.0 ** (head / 10.0) for head in heads)))


def test_a_shared_cell_outlives_one_of_its_sites() -> None:
    signals = one_bin([-80.0, -80.0, -90.0])
    shared = SharedCells(np.array([0, 0, 1]), np.zeros(2))
    left = shared_signals(signals, shared, distance_m=np.zeros(3), prefix_us=4.69, without_site=0)
    assert left.cell.tolist() == [0, 1]
    assert left.rsrp_dbm == pytest.approx([-80.0, -90.0])
    gone = shared_signals(signals, shared, distance_m=np.zeros(3), prefix_us=4.69, without_site=2)
    assert gone.cell.tolist() == [0]


def test_late_arrivals_are_those_of_strong_heads() -> None:
    signals = one_bin([-80.0, -85.0, -99.9, -100.1])
    far = np.array([100.0, 100.0 + 3.0 * LIGHT_M_PER_US, 100.0 + 5.0 * LIGHT_M_PER_US, 9000.0])
    arrivals = Arrivals(signals, far)
    (found,) = arrivals.late([0, 1, 2, 3], prefix_us=4.69)
    assert (found.bin, found.site) == (0, 2)
    assert found.delay_us == pytest.approx(5.0)
    assert found.below_db == pytest.approx(19.9)
    assert arrivals.late([0, 1, 3], prefix_us=4.69) == []
    assert arrivals.late([1, 2], prefix_us=1.99) != []
    assert arrivals.late([1, 2], prefix_us=2.01) == []
    assert [one.site for one in arrivals.late([0, 3], prefix_us=4.69, harmless_db=25.0)] == [3]
    silent = replace(signals, bin_start=np.array([0, 0]), cell=signals.cell[:0], rsrp_dbm=signals.rsrp_dbm[:0])
    assert Arrivals(silent, []).late([0, 1], prefix_us=4.69) == []


def test_late_bins_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(8)
    bins, sites = 200, 5
    level = np.sort(rng.uniform(-110.0, -70.0, (bins, sites)), axis=1)[:, ::-1]
    cell = np.stack([rng.permutation(sites) for _ in range(bins)])
    away = rng.uniform(0.0, 3000.0, (bins, sites))
    signals = Signals(np.arange(bins + 1) * sites, cell.ravel(), level.ravel(), level.ravel(), np.arange(sites))
    group = [0, 2, 3]
    expected = []
    for number in range(bins):
        heads = [(level[number, k], away[number, k]) for k in range(sites) if cell[number, k] in group]
        top = max(one for one, _ in heads)
        times = [d / LIGHT_M_PER_US for one, d in heads if top - one < 20.0]
        if max(times) - min(times) > 4.6875:
            expected.append((number, max(times) - min(times)))
    found = Arrivals(signals, away.ravel()).late(group, prefix_us=4.6875)
    assert [one.bin for one in found] == [number for number, _ in expected]
    assert [one.delay_us for one in found] == pytest.approx([delay for _, delay in expected])
    assert 10 < len(found) < bins


@pytest.mark.parametrize("spread_m", [900.0, 2200.0, 3500.0])
def test_with_any_site_away_the_rest_must_be_in_time_too(spread_m: float) -> None:
    """Two sectors a site: every site taken away in turn by hand, bin by bin."""
    rng = np.random.default_rng(int(spread_m))
    for _ in range(60):
        sites = np.repeat(np.arange(4), 2)
        order = rng.permutation(8)
        away = rng.uniform(0.0, spread_m, 4)[sites][order]
        level = rng.uniform(-100.0, -60.0, 8)[order]
        signals = Signals(np.array([0, 8]), order, level, level, sites)
        arrivals, group = Arrivals(signals, away), [0, 1, 3]
        without = [[site for site in group if site != gone] for gone in group]
        in_time = all(not arrivals.late(some, prefix_us=4.69) for some in (group, *without))
        assert (arrivals.late(group, prefix_us=4.69, any_away=True) == []) is in_time


def test_prefixes_and_reach_of_the_standards() -> None:
    assert round(cyclic_prefix_us(15), 2) == 4.69
    assert round(cyclic_prefix_us(30), 2) == 2.34
    assert round(cyclic_prefix_us(60), 2) == 1.17
    assert round(cyclic_prefix_us(15, extended=True), 2) == 16.67
    assert round(cyclic_prefix_us(60, extended=True), 2) == 4.17
    assert fronthaul_reach_m(ECPRI_ONE_WAY_US, 5.0) == pytest.approx(20_000.0)
    assert fronthaul_reach_m(100.0, 4.9, equipment_us=25.5) == pytest.approx(15_204.0816)
    with pytest.raises(InputError, match=r"equipment takes 120 µs of a one-way budget of 100 µs"):
        fronthaul_reach_m(100.0, 4.9, equipment_us=120.0)


def tried(
    measure: np.ndarray, huts: np.ndarray, most: int, reach: float, ratio: float, banned: set[tuple[int, ...]]
) -> tuple[int, float]:
    """Fewest cells, then shortest longest fibre, over all partitions into consecutive groups."""
    sites = len(measure)
    best = (sites + 1, math.inf)
    for cuts in itertools.product([False, True], repeat=sites - 1):
        edges = [0, *(k + 1 for k, cut in enumerate(cuts) if cut), sites]
        groups = [tuple(range(a, b)) for a, b in itertools.pairwise(edges)]
        fibre = [min(max(ratio * abs(measure[s] - hut) for s in group) for hut in huts) for group in groups]
        if max(map(len, groups)) <= most and max(fibre) <= reach and not banned & set(groups):
            best = min(best, (len(groups), max(fibre)))
    return best


@pytest.mark.parametrize("seed", range(25))
def test_grouping_equals_trying_every_partition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = int(rng.integers(1, 10))
    measure = np.sort(rng.uniform(0.0, 60_000.0, sites))
    huts = rng.uniform(0.0, 60_000.0, int(rng.integers(2, 6)))
    most, ratio = int(rng.integers(1, 5)), 1.1
    reach = ratio * float(np.abs(measure[:, None] - huts).min(axis=1).max()) + float(rng.uniform(1.0, 9000.0))
    pairs = [tuple(range(a, b)) for a, b in itertools.combinations(range(sites + 1), 2) if b - a > 1]
    banned = {pair for pair in pairs if rng.random() < 0.25}
    found = group_sites(
        measure, most_heads=most, reach_m=reach, huts_m=huts, fibre_ratio=ratio,
        may_share=lambda group: tuple(group) not in banned,
    )  # fmt: skip
    longest = float((ratio * np.abs(measure - found.baseband_m[found.cell])).max())
    assert (len(found), longest) == pytest.approx(tried(measure, huts, most, reach, ratio, banned))
    groups = [tuple(np.flatnonzero(found.cell == cell).tolist()) for cell in range(len(found))]
    assert [site for group in groups for site in group] == list(range(sites))
    assert max(map(len, groups)) <= most
    assert not banned & set(groups)


def test_a_site_without_a_hut_in_reach_is_named() -> None:
    with pytest.raises(InputError, match="site 1 at measure 30000 m reaches no hut within 20000 m"):
        group_sites([0.0, 30_000.0], most_heads=4, reach_m=20_000.0, huts_m=[0.0])
    with pytest.raises(InputError, match="order of measure"):
        group_sites([5.0, 0.0], most_heads=4, reach_m=20_000.0)


def test_baseband_stands_in_the_middle_and_its_fibre_is_the_optical_lines_bound() -> None:
    found = group_sites([0.0, 9_000.0, 18_000.0, 27_000.0], most_heads=3, reach_m=20_000.0, drop_m=500.0)
    assert found.cell.tolist() == [0, 0, 0, 1]
    assert found.baseband_m.tolist() == [9_000.0, 27_000.0]
    assert len(group_sites([0.0, 9_000.0, 18_000.0], most_heads=3, reach_m=10_401.0, drop_m=500.0)) == 1
    assert len(group_sites([0.0, 9_000.0, 18_000.0], most_heads=3, reach_m=10_399.0, drop_m=500.0)) == 3
    assert fronthaul_needs(found, 20_000.0)[3] == FronthaulNeed(3, 1, 20_000.0)


def test_sites_four_kilometres_apart_cannot_share_where_both_are_strong() -> None:
    """Two heads 4 km apart: beside either the other is 13.3 µs late; only its weakness there lets them share."""
    along = np.arange(0.0, 4001.0, 50.0)
    away = np.column_stack([np.hypot(along, 30.0), np.hypot(4000.0 - along, 30.0)])
    for slope, shares in ((20.0, False), (90.0, True)):
        level = -60.0 - slope * np.log10(away / 100.0)
        order = np.argsort(-level, axis=1, kind="stable")
        signals = Signals(
            np.arange(len(along) + 1) * 2, order.ravel(), np.take_along_axis(level, order, 1).ravel(),
            np.take_along_axis(level, order, 1).ravel(), np.arange(2),
        )  # fmt: skip
        arrivals = Arrivals(signals, np.take_along_axis(away, order, 1).ravel())
        late = arrivals.late([0, 1], prefix_us=cyclic_prefix_us(15))
        assert (late == []) is shares
        found = group_sites(
            [0.0, 4000.0], most_heads=2, reach_m=20_000.0,
            may_share=lambda group, arrivals=arrivals: not arrivals.late(group, prefix_us=cyclic_prefix_us(15)),
        )  # fmt: skip
        assert len(found) == (1 if shares else 2)


def test_distances_are_geodesics() -> None:
    signals = Signals(np.array([0, 2, 3]), np.array([1, 0, 1]), np.zeros(3), np.zeros(3), np.array([0, 1]))
    lat, lon = np.array([50.0, 50.1]), np.array([10.0, 10.0])
    site_lat, site_lon = np.array([50.02, 50.05]), np.array([10.03, 10.0])
    found = head_distances_m(signals, lat, lon, site_lat, site_lon)
    geod = Geod(ellps="WGS84")
    expected = [
        geod.line_length([10.0, 10.0], [50.0, 50.05]),
        geod.line_length([10.0, 10.03], [50.0, 50.02]),
        geod.line_length([10.0, 10.0], [50.1, 50.05]),
    ]
    assert found == pytest.approx(expected, abs=1e-6)
