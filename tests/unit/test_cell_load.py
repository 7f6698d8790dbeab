"""The load of cells: a closed form, plain sums state by state, and what the sums must keep."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from trassa.radio.cell_load import CellLoads, cell_loads, served_by_strongest
from trassa.radio.interference import median_sinr_db
from trassa.radio.signals import Signals

NOISE_DBM = -120.0
LOAD = 0.4


def drawn(seed: int, points: int = 60, sites: int = 5) -> Signals:
    """Two cells a site, heard at random, at random levels."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(sites), 2)
    start, cell, rsrp, loud = [0], [], [], []
    for _ in range(points):
        heard = np.flatnonzero(rng.random(len(site)) < 0.6)
        level = rng.uniform(-125.0, -70.0, len(heard))
        order = np.argsort(-level)
        cell += heard[order].tolist()
        rsrp += level[order].tolist()
        loud += (level[order] + rng.uniform(0.0, 6.0, len(heard))).tolist()
        start.append(len(cell))
    return Signals(np.array(start), np.array(cell, dtype=np.int64), np.array(rsrp), np.array(loud), site)


def rate_mbps(sinr_ratio: float) -> float:
    """Some rate that has a least SINR."""
    return 10.0 * math.log2(1.0 + sinr_ratio) if sinr_ratio > 0.5 else 0.0


def loads_of(signals: Signals, together: np.ndarray, demand: np.ndarray, *, down: bool = True) -> CellLoads:
    served = served_by_strongest(signals, together, LOAD, NOISE_DBM, any_site_down=down)
    rates = np.array([rate_mbps(one) for one in served.sinr_ratio.tolist()])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(demand[served.point] > 0.0, demand[served.point] / rates, 0.0)
    return cell_loads(served, share, signals, together)


def plain_loads(signals: Signals, together: np.ndarray, demand: np.ndarray, away: int) -> np.ndarray:
    """Every point by itself, with dictionaries."""
    load = np.zeros(int(together.max()) + 1)
    for point in range(len(signals)):
        rows = range(int(signals.bin_start[point]), int(signals.bin_start[point + 1]))
        rows = [row for row in rows if signals.site[signals.cell[row]] != away]
        wanted: dict[int, float] = {}
        loud: dict[int, float] = {}
        for row in rows:
            name = int(together[signals.cell[row]])
            wanted[name] = wanted.get(name, 0.0) + 10.0 ** ((signals.rsrp_dbm[row] - NOISE_DBM) / 10.0)
            loud[name] = loud.get(name, 0.0) + LOAD * 10.0 ** ((signals.interference_dbm[row] - NOISE_DBM) / 10.0)
        if not wanted:
            continue
        best = max(wanted, key=lambda name: wanted[name])
        rate = rate_mbps(wanted[best] / (1.0 + sum(power for name, power in loud.items() if name != best)))
        load[best] += demand[point] / rate if rate else (math.inf if demand[point] else 0.0)
    return load


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shared", [False, True])
def test_loads_are_those_of_plain_sums_with_every_site_down_in_turn(seed: int, shared: bool) -> None:
    signals = drawn(seed)
    together = np.array([0, 0, 0, 0, 1, 1, 2, 3, 4, 4]) if shared else np.arange(10)
    demand = np.random.default_rng(seed + 50).uniform(0.0, 0.2, len(signals))
    demand[::7] = 0.0
    found = loads_of(signals, together, demand)
    up = plain_loads(signals, together, demand, -1)
    downs = np.array([plain_loads(signals, together, demand, site) for site in range(5)])
    np.testing.assert_allclose(found.load, up, rtol=1e-9)
    np.testing.assert_allclose(found.down_load, np.maximum(downs.max(axis=0), up), rtol=1e-9)
    for cell, site in enumerate(found.worst_down.tolist()):
        expected = up[cell] if site < 0 else downs[site, cell]
        assert found.down_load[cell] == pytest.approx(expected, rel=1e-9)


def test_where_nobody_gets_a_rate_the_load_is_infinite_with_the_site_down_alone() -> None:
    """Two sites; at the second point the stronger one alone is strong enough."""
    signals = Signals(
        np.array([0, 2, 4]), np.array([0, 1, 0, 1]), np.array([-80.0, -90.0, -80.0, -125.0]), np.full(4, -130.0),
        np.array([0, 1]),
    )  # fmt: skip
    found = loads_of(signals, np.arange(2), np.full(2, 0.1))
    assert np.isfinite(found.load).all()
    assert np.isinf(found.down_load[1])
    assert found.worst_down[1] == 0
    assert found.served.point[found.without_rate].tolist() == [1]


@pytest.mark.parametrize("seed", range(4))
def test_what_the_points_of_a_cell_take_adds_up_to_its_load_up_and_down(seed: int) -> None:
    signals, together = drawn(seed), np.arange(10)
    found = loads_of(signals, together, np.full(len(signals), 0.05))
    served = found.served
    for cell, worst in enumerate(found.worst_down.tolist()):
        for away, load in ((-1, found.load[cell]), (worst, found.down_load[cell])):
            state = {
                (p, a): k for k, (p, a) in enumerate(zip(served.point.tolist(), served.away.tolist(), strict=True))
            }
            points = found.serving(cell, away).tolist()
            share = [found.share[state.get((point, away), state[point, -1])] for point in points]
            assert sum(share) == pytest.approx(load, rel=1e-9)


def test_where_the_strongest_has_the_best_sinr_it_is_that_of_the_judgement() -> None:
    signals, together = drawn(3), np.arange(10)
    served = served_by_strongest(signals, together, LOAD, NOISE_DBM, any_site_down=False)
    best_db, row = median_sinr_db(signals, np.full(10, LOAD), NOISE_DBM)
    same = (row >= 0) & (signals.cell[row] == served.server)
    assert same.sum() > len(signals) // 2
    np.testing.assert_allclose(10.0 * np.log10(served.sinr_ratio[same]), best_db[same], atol=1e-9)


def test_more_traffic_loads_in_proportion_and_a_higher_load_of_others_never_relieves() -> None:
    signals, together = drawn(1), np.arange(10)
    demand = np.full(len(signals), 0.01)
    one, three = (loads_of(signals, together, factor * demand) for factor in (1.0, 3.0))
    np.testing.assert_allclose(three.worst, 3.0 * one.worst, rtol=1e-9)
    louder = replace(signals, interference_dbm=signals.interference_dbm + 1.0)
    assert np.all(loads_of(louder, together, demand).load >= one.load * (1.0 - 1e-12))


def test_a_site_that_no_point_hears_changes_nothing_when_it_is_down() -> None:
    signals = drawn(2)
    more = replace(signals, site=np.concatenate([signals.site, [5]]))
    demand = np.full(len(signals), 0.01)
    alone, beside = loads_of(signals, np.arange(10), demand), loads_of(more, np.arange(11), demand)
    np.testing.assert_array_equal(beside.down_load[:10], alone.down_load)
    assert beside.load[10] == 0.0
    assert beside.worst_down[10] == -1
