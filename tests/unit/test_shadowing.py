"""Shadowing: its spread, its correlation along the road and from site to site; and what a count of hits proves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from trassa.errors import InputError
from trassa.radio.binomial import clopper_pearson, least_hits, most_hits
from trassa.radio.shadowing import Shadowing, joint_normals, shadowing_along, total_sigma_db
from trassa.radio.signals import Signals
from trassa.radio.site_signals import by_site

SHADOWING = Shadowing(8.0, 0.5, 50.0)
NODES = 200_000
FIVE_SIGMA = 5.0


def along(step_m: float, heard: int = 1, rho: float = 0.5, seed: int = 1) -> np.ndarray:
    """Shadowing of two sites that every node, or every so many, hears; NaN elsewhere; shape (nodes, 2)."""
    hears = np.arange(NODES) % heard == 0
    start = np.concatenate([[0], np.cumsum(2 * hears)])
    site = np.tile([3, 7], int(hears.sum()))
    rng = np.random.default_rng(seed)
    drawn = shadowing_along(rng, start, site, step_m * np.arange(NODES), Shadowing(8.0, rho, 50.0))
    table = np.full((NODES, 2), np.nan)
    table[hears] = drawn.reshape(-1, 2)
    return table


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first, second)[0, 1])


@pytest.mark.parametrize("lag", [1, 3, 7])
def test_along_the_road_the_correlation_is_exponential(lag: int) -> None:
    table = along(10.0)
    # the number of independent stretches is about the length over twice the decorrelation distance
    error = FIVE_SIGMA / np.sqrt(NODES * 10.0 / 100.0)
    assert correlation(table[:-lag, 0], table[lag:, 0]) == pytest.approx(np.exp(-10.0 * lag / 50.0), abs=error)
    assert table.std() == pytest.approx(8.0, rel=error)
    assert abs(table.mean()) < 8.0 * error


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_sites_share_the_common_component(rho: float) -> None:
    table = along(50.0, rho=rho)
    assert correlation(table[:, 0], table[:, 1]) == pytest.approx(rho, abs=FIVE_SIGMA / np.sqrt(NODES / 2.0))
    # half a common component: what is left between sites one step apart
    lagged = correlation(table[:-1, 0], table[1:, 1])
    assert lagged == pytest.approx(rho * np.exp(-1.0), abs=FIVE_SIGMA / np.sqrt(NODES / 2.0))


def test_a_site_that_returns_remembers_by_the_distance_gone() -> None:
    table = along(10.0, heard=4)[::4]
    error = FIVE_SIGMA / np.sqrt(NODES * 10.0 / 100.0)
    assert correlation(table[:-1, 0], table[1:, 0]) == pytest.approx(np.exp(-40.0 / 50.0), abs=error)
    assert table.std() == pytest.approx(8.0, rel=error)


def test_a_site_first_heard_on_the_way_has_its_full_spread() -> None:
    start, site = np.array([0, 1, 2, 4]), np.array([0, 0, 0, 1])
    place_m, own = np.array([0.0, 10.0, 20.0]), Shadowing(8.0, 0.0, 50.0)
    drawn = [shadowing_along(np.random.default_rng(seed), start, site, place_m, own) for seed in range(2000)]
    np.testing.assert_allclose(np.std(drawn, axis=0), 8.0, rtol=FIVE_SIGMA / np.sqrt(2.0 * 2000.0))


def test_cells_of_one_site_share_their_shadowing() -> None:
    drawn = shadowing_along(
        np.random.default_rng(2), np.array([0, 3, 5]), np.array([0, 1, 0, 1, 0]), np.array([0.0, 10.0]), SHADOWING
    )
    assert drawn[0] == drawn[2] != drawn[1]


def test_the_same_seed_draws_the_same() -> None:
    np.testing.assert_array_equal(along(10.0, seed=5), along(10.0, seed=5))
    assert not np.array_equal(along(10.0, seed=5), along(10.0, seed=6))


def test_joint_draws_have_the_stated_covariance() -> None:
    drawn = joint_normals(np.random.default_rng(3), 3, NODES, Shadowing(6.0, 0.3, 50.0))
    expected = np.full((3, 3), 0.3) + 0.7 * np.eye(3)
    np.testing.assert_allclose(np.cov(drawn), expected, atol=FIVE_SIGMA * np.sqrt(2.0 / NODES))


def test_sigma_without_drive_tests_adds_in_squares() -> None:
    assert total_sigma_db(3.0, 4.0) == 5.0


@pytest.mark.parametrize(
    "wrong", [(-1.0, 0.5, 50.0), (8.0, 1.5, 50.0), (8.0, -0.1, 50.0), (8.0, 0.5, 0.0), (8.0, 0.5, np.inf)]
)
def test_shadowing_that_cannot_be_meant_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="shadowing"):
        Shadowing(*wrong)


def test_signals_are_gathered_by_site() -> None:
    site = np.array([4, 4, 2, 9])
    signals = Signals(np.array([0, 3, 3, 5]), np.array([1, 2, 0, 3, 2]), np.zeros(5), np.zeros(5), site)
    sites = by_site(signals)
    np.testing.assert_array_equal(sites.bin_start, [0, 2, 2, 4])
    np.testing.assert_array_equal(sites.site, [2, 4, 2, 9])
    gathered = np.split(sites.signal, sites.signal_start[1:-1])
    assert [sorted(signals.cell[rows].tolist()) for rows in gathered] == [[2], [0, 1], [2], [3]]
    assert sites.most == 2
    silent = Signals(np.zeros(3, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), site)
    assert by_site(silent).most == 0


@pytest.mark.parametrize(("hits", "draws"), [(0, 20), (3, 20), (20, 20), (479, 512)])
def test_clopper_pearson_is_scipys_exact_interval(hits: int, draws: int) -> None:
    exact = binomtest(hits, draws).proportion_ci(confidence_level=0.99, method="exact")
    low, high = clopper_pearson(hits, draws, 0.01)
    assert (float(low), float(high)) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize("draws", [20, 512, 8192])
@pytest.mark.parametrize("probability", [0.5, 0.95, 0.999])
def test_thresholds_are_where_the_bounds_cross(draws: int, probability: float) -> None:
    low, high = clopper_pearson(np.arange(draws + 1), draws, 0.002)
    fewest, most = int(least_hits(draws, probability, 0.001)), int(most_hits(draws, probability, 0.001))
    assert fewest == int(np.count_nonzero(low < probability))
    assert most == int(np.count_nonzero(high < probability)) - 1
    assert binom.sf(fewest - 1, draws, probability) <= 0.001
