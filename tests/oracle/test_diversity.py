"""Diversity against SciPy's multivariate normal, Gauss-Hermite quadrature, closed forms and plain drawing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import multivariate_normal, norm

from trassa.errors import InputError
from trassa.radio.diversity import diversity
from trassa.radio.shadowing import Shadowing, joint_normals
from trassa.radio.signals import Signals

NEED_DBM = -110.0
SHADOWING = Shadowing(8.0, 0.5, 50.0)


def bins_of(*levels_dbm: list[float]) -> Signals:
    """One bin per list, one cell per site, strongest first."""
    count = max(len(levels) for levels in levels_dbm)
    start = np.concatenate([[0], np.cumsum([len(levels) for levels in levels_dbm])]).astype(np.int64)
    cell = np.concatenate([np.argsort(np.argsort([-v for v in levels])) for levels in levels_dbm]).astype(np.int64)
    flat = np.concatenate([np.asarray(levels, float) for levels in levels_dbm])
    return Signals(start, cell, flat, flat, np.arange(count, dtype=np.int64))


def random_bins(bins: int, seed: int = 1) -> tuple[Signals, list[list[float]]]:
    rng = np.random.default_rng(seed)
    levels = [sorted(rng.uniform(-130.0, -90.0, rng.integers(1, 7)).tolist(), reverse=True) for _ in range(bins)]
    return bins_of(*levels), levels


def by_hermite(levels_dbm: list[float], rho: float, sigma_db: float, nodes: int = 180) -> float:
    """The same integral by Gauss and Hermite."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    depth = (NEED_DBM - np.array(levels_dbm))[:, None] / sigma_db
    product = ndtr((depth - np.sqrt(rho) * x) / np.sqrt(1.0 - rho)).prod(axis=0)
    return 1.0 - float((w * product).sum() / w.sum())


@pytest.mark.parametrize("rho", [0.1, 0.5, 0.8])
def test_probability_is_the_integral(rho: float) -> None:
    signals, levels = random_bins(40)
    found = diversity(signals, NEED_DBM, 0.95, replace(SHADOWING, site_correlation=rho))
    expected = [by_hermite(bin_levels, rho, 8.0) for bin_levels in levels]
    np.testing.assert_allclose(found.probability, expected, atol=1e-9)
    down = [by_hermite(bin_levels[1:], rho, 8.0) if len(bin_levels) > 1 else 0.0 for bin_levels in levels]
    np.testing.assert_allclose(found.site_down_probability, down, atol=1e-9)


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.95, 0.999])
def test_two_and_three_sites_agree_with_scipy(rho: float) -> None:
    levels = [[-104.0, -107.0], [-112.0, -113.0, -118.0], [-95.0, -96.0, -140.0]]
    found = diversity(bins_of(*levels), NEED_DBM, 0.95, replace(SHADOWING, site_correlation=rho))
    for i, bin_levels in enumerate(levels):
        count = len(bin_levels)
        covariance = 64.0 * (np.full((count, count), rho) + (1.0 - rho) * np.eye(count))
        none = multivariate_normal(bin_levels, covariance, abseps=1e-10).cdf(np.full(count, NEED_DBM))
        assert found.probability[i] == pytest.approx(1.0 - none, abs=2e-6)


def test_limits_in_closed_form() -> None:
    signals, levels = random_bins(30)
    alone = [ndtr((NEED_DBM - np.array(bin_levels)) / 8.0) for bin_levels in levels]
    apart = diversity(signals, NEED_DBM, 0.95, replace(SHADOWING, site_correlation=0.0))
    np.testing.assert_allclose(apart.probability, [1.0 - none.prod() for none in alone], atol=1e-12)
    together = diversity(signals, NEED_DBM, 0.95, replace(SHADOWING, site_correlation=1.0))
    np.testing.assert_allclose(together.probability, [1.0 - none.min() for none in alone], atol=1e-12)
    near = diversity(signals, NEED_DBM, 0.95, replace(SHADOWING, site_correlation=0.999))
    assert (near.probability >= together.probability - 1e-9).all()
    np.testing.assert_allclose(near.probability, together.probability, atol=0.02)
    certain = diversity(signals, NEED_DBM, 0.95, replace(SHADOWING, sigma_db=0.0))
    sure = [float(bin_levels[0] >= NEED_DBM) for bin_levels in levels]
    np.testing.assert_allclose(certain.probability, sure, atol=1e-12)
    np.testing.assert_allclose(certain.margin_db, [bin_levels[0] - NEED_DBM for bin_levels in levels], atol=1e-4)


def test_one_site_is_the_fade_margin() -> None:
    found = diversity(bins_of([-95.0]), NEED_DBM, 0.95, SHADOWING)
    assert found.probability[0] == pytest.approx(norm.cdf(15.0 / 8.0), abs=1e-9)
    assert found.margin_db[0] == pytest.approx(15.0 - 8.0 * norm.ppf(0.95), abs=1e-3)
    assert found.site_down_probability[0] == 0.0
    assert np.isnan(found.site_down_margin_db[0])


@pytest.mark.parametrize("reliability", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, 1.0])
def test_the_margin_is_what_can_still_be_asked_for(reliability: float, rho: float) -> None:
    signals, _ = random_bins(25, seed=2)
    shadowing = replace(SHADOWING, site_correlation=rho)
    found = diversity(signals, NEED_DBM, reliability, shadowing)
    asked = replace(signals, rsrp_dbm=signals.rsrp_dbm - found.margin_db[signals.bin])
    assert (diversity(asked, NEED_DBM, reliability, shadowing).probability >= reliability - 1e-9).all()
    more = replace(asked, rsrp_dbm=asked.rsrp_dbm - 0.001)
    assert (diversity(more, NEED_DBM, reliability, shadowing).probability <= reliability).all()


def test_the_worst_site_to_lose_is_found_by_losing_each() -> None:
    signals, levels = random_bins(30, seed=3)
    found = diversity(signals, NEED_DBM, 0.95, SHADOWING)
    for i, bin_levels in enumerate(levels):
        left = [[*bin_levels[:s], *bin_levels[s + 1 :]] for s in range(len(bin_levels))]
        worst = min(by_hermite(rest, 0.5, 8.0) if rest else 0.0 for rest in left)
        assert found.site_down_probability[i] == pytest.approx(worst, abs=1e-9)
        assert found.worst_site[i] == 0


def test_drawing_agrees() -> None:
    levels = [-108.0, -110.0, -111.0, -119.0]
    drawn_dbm = np.array(levels)[:, None] + 8.0 * joint_normals(np.random.default_rng(4), 4, 400_000, SHADOWING)
    share = float((drawn_dbm >= NEED_DBM).any(axis=0).mean())
    found = diversity(bins_of(levels), NEED_DBM, 0.95, SHADOWING)
    assert found.probability[0] == pytest.approx(share, abs=5.0 * np.sqrt(0.25 / 400_000))


def test_cells_of_a_site_are_one_chance() -> None:
    one = bins_of([-108.0, -115.0])
    two = Signals(
        np.array([0, 3]), np.array([1, 0, 2]), np.array([-108.0, -109.0, -115.0]), np.zeros(3), np.array([5, 5, 6])
    )
    found = diversity(two, NEED_DBM, 0.95, SHADOWING)
    assert found.probability[0] == diversity(one, NEED_DBM, 0.95, SHADOWING).probability[0]
    assert found.worst_site[0] == 5


def test_silence_is_not_served() -> None:
    silent = Signals(np.array([0, 0, 1]), np.array([0]), np.array([-90.0]), np.array([-90.0]), np.array([0]))
    found = diversity(silent, NEED_DBM, 0.95, SHADOWING)
    assert found.probability[0] == 0.0
    assert np.isnan(found.margin_db[0])
    assert found.worst_site.tolist() == [-1, 0]


def test_threads_change_nothing() -> None:
    signals, _ = random_bins(9000, seed=5)
    one, four = (diversity(signals, NEED_DBM, 0.95, SHADOWING, threads=threads) for threads in (1, 4))
    np.testing.assert_array_equal(one.margin_db, four.margin_db)


@pytest.mark.parametrize(("reliability", "rho"), [(1.0, 0.5), (0.0, 0.5), (0.95, 0.9999)])
def test_what_cannot_be_computed_is_refused(reliability: float, rho: float) -> None:
    with pytest.raises(InputError, match="diversity"):
        diversity(random_bins(2)[0], NEED_DBM, reliability, replace(SHADOWING, site_correlation=rho))
