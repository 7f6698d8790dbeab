"""Reliability with interference against closed forms, quadrature, plain drawing, and diversity where loads are zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from trassa.errors import InputError
from trassa.radio.diversity import diversity
from trassa.radio.interference import Sampling, SinrNeed, joint_reliability, median_sinr_db
from trassa.radio.shadowing import Shadowing
from trassa.radio.signals import Signals

SHADOWING = Shadowing(8.0, 0.5, 50.0)
NEED = SinrNeed(-3.0, 0.95, -125.0)
NO_NOISE = replace(NEED, noise_dbm=-220.0)


def bins_of(site: list[int], rsrp_dbm: np.ndarray, interference_dbm: np.ndarray | None = None) -> Signals:
    """Every bin hears every cell; levels (bins, cells)."""
    order = np.argsort(-rsrp_dbm, axis=1)
    disturbing = rsrp_dbm if interference_dbm is None else interference_dbm
    return Signals(
        np.arange(len(rsrp_dbm) + 1, dtype=np.int64) * len(site),
        order.ravel(),
        np.take_along_axis(rsrp_dbm, order, 1).ravel(),
        np.take_along_axis(disturbing, order, 1).ravel(),
        np.array(site, dtype=np.int64),
    )


def random_levels(bins: int, cells: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-115.0, -85.0, (bins, cells))


def one_against_one(lead_db: np.ndarray, rho: float) -> np.ndarray:
    """P(S1 − S2 ≥ need) without noise, cell 1 serving alone: a difference of two correlated normals."""
    return ndtr((lead_db - NEED.sinr_db) / (8.0 * np.sqrt(2.0 * (1.0 - rho))))


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_server_and_interferer_in_closed_form(rho: float) -> None:
    lead_db = np.linspace(-10.0, 30.0, 30)
    # the second cell serves nobody: far too weak, while it disturbs at full strength
    rsrp_dbm = np.column_stack([np.full(30, -90.0), np.full(30, -180.0)])
    disturbing_dbm = np.column_stack([np.full(30, -90.0), -90.0 - lead_db])
    signals, shadowing = bins_of([0, 1], rsrp_dbm, disturbing_dbm), replace(SHADOWING, site_correlation=rho)
    exact = one_against_one(lead_db, rho)
    up, down, _ = joint_reliability(signals, np.ones(2), NO_NOISE, shadowing, Sampling(risk=1e-6))
    assert ((up.probability_low <= exact) & (exact <= up.probability_high)).all()
    # without noise, whoever is left alone serves
    assert (down.probability == 1.0).all()
    assert (up.margin_low_db[exact < 0.94] < 0.0).all()
    assert (up.margin_low_db[exact > 0.965] >= 0.0).all()


def test_noise_and_one_interferer_by_quadrature() -> None:
    rsrp_dbm = np.array([[-100.0, -190.0]])
    disturbing_dbm = np.array([[-100.0, -112.0]])
    need = SinrNeed(2.0, 0.9, -118.0)
    x, w = np.polynomial.hermite_e.hermegauss(100)
    # X2 at the nodes; X1 given X2 is normal with mean ρ·x and variance 1 − ρ²
    background_dbm = 10.0 * np.log10(10.0 ** (0.1 * (-112.0 + 8.0 * x)) + 10.0 ** (0.1 * need.noise_dbm))
    depth = (need.sinr_db + background_dbm + 100.0) / 8.0
    exact = float((w * ndtr(-(depth - 0.5 * x) / np.sqrt(0.75))).sum() / w.sum())
    up, _, _ = joint_reliability(bins_of([0, 1], rsrp_dbm, disturbing_dbm), np.ones(2), need, SHADOWING, Sampling())
    assert up.probability_low[0] <= exact <= up.probability_high[0]
    assert up.probability_high[0] - up.probability_low[0] < 0.1


def test_without_load_it_is_diversity() -> None:
    signals = bins_of([0, 0, 1, 2, 3], random_levels(200, 5, seed=1) - 25.0)
    need = SinrNeed(3.0, 0.95, -118.0)
    exact = diversity(signals, need.noise_dbm + need.sinr_db, need.reliability, SHADOWING)
    up, down, worst = joint_reliability(signals, np.zeros(5), need, SHADOWING, Sampling(risk=1e-6))
    for found, probability, margin_db in (
        (up, exact.probability, exact.margin_db),
        (down, exact.site_down_probability, exact.site_down_margin_db),
    ):
        assert ((found.probability_low <= probability) & (probability <= found.probability_high)).all()
        assert (found.margin_low_db <= margin_db).all()
        assert np.median(np.abs(found.margin_db - margin_db)) < 1.0
    clear_cut = exact.site_down_probability < exact.probability - 0.2
    np.testing.assert_array_equal(worst[clear_cut], exact.worst_site[clear_cut])


def drawn_plainly(signals: Signals, need: SinrNeed, load: np.ndarray, missing: int, draws: int) -> np.ndarray:
    """Share of draws in which some cell of the other sites meets the need; straight from the definition."""
    rng, cells = np.random.default_rng(99), len(signals.site)
    sites = int(signals.site.max()) + 1
    shadow = np.sqrt(0.5) * rng.standard_normal(draws) + np.sqrt(0.5) * rng.standard_normal((sites, draws))
    found = np.zeros(len(signals))
    for i in range(len(signals)):
        rows = range(signals.bin_start[i], signals.bin_start[i + 1])
        wanted_mw, disturbing_mw = np.zeros((cells, draws)), np.zeros((cells, draws))
        for row in rows:
            cell = signals.cell[row]
            if signals.site[cell] != missing:
                shadow_db = 8.0 * shadow[signals.site[cell]]
                wanted_mw[cell] = 10.0 ** (0.1 * (signals.rsrp_dbm[row] + shadow_db))
                disturbing_mw[cell] = load[cell] * 10.0 ** (0.1 * (signals.interference_dbm[row] + shadow_db))
        others_mw = [np.delete(disturbing_mw, cell, axis=0).sum(axis=0) for cell in range(cells)]
        sinr = wanted_mw / (np.array(others_mw) + 10.0 ** (0.1 * need.noise_dbm))
        found[i] = float((sinr.max(axis=0) >= 10.0 ** (0.1 * need.sinr_db)).mean())
    return found


def test_every_site_down_agrees_with_plain_drawing() -> None:
    rsrp_dbm = random_levels(12, 7, seed=2)
    signals = bins_of([0, 0, 1, 1, 2, 3, 3], rsrp_dbm, rsrp_dbm + np.linspace(0.0, 6.0, 7))
    load, need = np.linspace(0.1, 0.9, 7), SinrNeed(-6.0, 0.9, -112.0)
    up, down, worst = joint_reliability(signals, load, need, SHADOWING, Sampling(risk=1e-6))
    draws = 20_000
    slack = 5.0 * np.sqrt(0.25 / draws)
    plain = drawn_plainly(signals, need, load, -1, draws)
    assert ((plain >= up.probability_low - slack) & (plain <= up.probability_high + slack)).all()
    by_site = np.array([drawn_plainly(signals, need, load, s, draws) for s in range(4)])
    least = by_site.min(axis=0)
    assert ((least >= down.probability_low - slack) & (least <= down.probability_high + slack)).all()
    named = by_site[worst, np.arange(12)]
    assert (named <= least + slack + down.probability_high - down.probability_low).all()


def test_bounds_hold_as_often_as_they_say() -> None:
    """The interval of a bin near the promise, where draws go on longest, over 200 seeds, with the stopping rule."""
    rho, risk, seeds = 0.5, 0.1, 200
    lead_db = np.array([9.0, 10.5, 12.0])
    rsrp_dbm = np.column_stack([np.full(3, -90.0), np.full(3, -180.0)])
    signals = bins_of([0, 1], rsrp_dbm, np.column_stack([np.full(3, -90.0), -90.0 - lead_db]))
    exact = one_against_one(lead_db, rho)
    margin_db = lead_db - NEED.sinr_db - 8.0 * 1.6448536269514722
    missed, too_high = np.zeros(3, int), np.zeros(3, int)
    for seed in range(seeds):
        up, _, _ = joint_reliability(signals, np.ones(2), NO_NOISE, SHADOWING, Sampling(risk, 4096, seed), threads=1)
        missed += (exact < up.probability_low) | (exact > up.probability_high)
        too_high += up.margin_low_db > margin_db
        np.testing.assert_array_equal(up.margin_low_db >= 0.0, up.probability_low >= NEED.reliability)
    assert (missed <= binom.isf(1e-6, seeds, risk)).all()
    assert (too_high <= binom.isf(1e-6, seeds, risk / 2.0)).all()


def test_margins_are_what_can_still_be_asked_for() -> None:
    rsrp_dbm = random_levels(40, 6, seed=3)
    signals, load = bins_of([0, 0, 1, 1, 2, 2], rsrp_dbm, rsrp_dbm + 3.0), np.full(6, 0.3)
    sampling = Sampling(most_draws=512, risk=0.01)  # one look, so that every need meets the same draws
    found = joint_reliability(signals, load, NEED, SHADOWING, sampling)[:2]
    for i in range(0, 40, 4):
        for k in range(2):
            for extra_db, held in ((0.0, True), (1.0 / 32.0, False)):
                need = replace(NEED, sinr_db=NEED.sinr_db + found[k].margin_low_db[i] + extra_db)
                again = joint_reliability(signals, load, need, SHADOWING, sampling)[k]
                assert (again.probability_low[i] >= NEED.reliability) == held


def test_same_seed_same_answer_on_any_number_of_threads() -> None:
    signals = bins_of([0, 0, 1, 1, 2, 2], random_levels(3000, 6, seed=4))
    load = np.full(6, 0.2)
    one, four = (joint_reliability(signals, load, NEED, SHADOWING, Sampling(), threads=n) for n in (1, 4))
    other = joint_reliability(signals, load, NEED, SHADOWING, Sampling(seed=2))
    np.testing.assert_array_equal(one[0].margin_db, four[0].margin_db)
    np.testing.assert_array_equal(one[1].probability, four[1].probability)
    assert not np.array_equal(one[0].probability, other[0].probability)


def test_more_load_never_helps_and_a_shared_risk_is_stricter() -> None:
    signals = bins_of([0, 1, 2], random_levels(100, 3, seed=5))
    low, high = (
        joint_reliability(signals, np.full(3, x), NEED, SHADOWING, Sampling(most_draws=512))[0] for x in (0.1, 0.6)
    )
    assert (high.probability <= low.probability).all()
    strict = joint_reliability(signals, np.full(3, 0.1), NEED, SHADOWING, Sampling(most_draws=512).over(100))[0]
    assert (strict.probability_low <= low.probability_low).all()
    assert Sampling(risk=0.01).over(100).risk == 1e-4


def test_silent_and_lonely_bins() -> None:
    signals = Signals(np.array([0, 0, 1]), np.array([0]), np.array([-80.0]), np.array([-80.0]), np.array([7]))
    up, down, worst = joint_reliability(signals, np.ones(1), NEED, SHADOWING, Sampling())
    assert up.probability.tolist() == [0.0, 1.0]
    assert down.probability_high.tolist() == [0.0, 0.0]
    assert np.isnan(up.margin_db).tolist() == [True, False]
    assert np.isnan(down.margin_low_db).all()
    assert down.clear.all()
    assert worst.tolist() == [-1, 7]


def test_median_sinr_by_hand() -> None:
    signals = bins_of([0, 0, 1], np.array([[-90.0, -100.0, -95.0]]), np.array([[-90.0, -96.0, -93.0]]))
    sinr_db, row = median_sinr_db(signals, np.array([1.0, 0.5, 0.25]), -110.0)
    others_mw = 0.5 * 10.0**-9.6 + 0.25 * 10.0**-9.3 + 10.0**-11.0
    assert sinr_db[0] == pytest.approx(-90.0 - 10.0 * np.log10(others_mw))
    assert signals.cell[row[0]] == 0


@pytest.mark.parametrize(
    ("load", "need", "sampling"),
    [
        (np.full(2, 0.5), NEED, Sampling()),
        (np.full(3, 1.5), NEED, Sampling()),
        (np.full(3, np.nan), NEED, Sampling()),
        (np.ones(3), replace(NEED, reliability=1.0), Sampling()),
        (np.ones(3), replace(NEED, noise_dbm=-np.inf), Sampling()),
        (np.ones(3), replace(NEED, reliability=0.99999), Sampling()),
        (np.ones(3), NEED, Sampling(risk=0.0)),
    ],
)
def test_what_cannot_be_meant_is_refused(load: np.ndarray, need: SinrNeed, sampling: Sampling) -> None:
    with pytest.raises(InputError, match="interference"):
        joint_reliability(bins_of([0, 1, 2], random_levels(4, 3, seed=6)), load, need, SHADOWING, sampling)
