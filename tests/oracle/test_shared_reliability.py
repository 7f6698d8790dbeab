"""Cells that transmit one signal together, against plain drawing by the definition, quadrature and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from trassa.errors import InputError
from trassa.radio.interference import Sampling, SinrNeed, joint_reliability, median_sinr_db
from trassa.radio.shadowing import Shadowing, joint_normals
from trassa.radio.signals import Signals

SHADOWING = Shadowing(8.0, 0.5, 50.0)
NEED = SinrNeed(2.0, 0.9, -112.0)
ONE_LOOK = Sampling(risk=0.01, most_draws=512, seed=7)
SITE = np.array([0, 0, 1, 1, 2, 2, 3, 4])
SHARED = {
    "by site": np.array([5, 5, 5, 5, 9, 9, 9, 2]),
    "facing sectors": np.array([0, 1, 1, 2, 2, 3, 3, 4]),
    "some alone": np.array([0, 1, 1, 2, 3, 3, 1, 2]),
    "all": np.zeros(8, dtype=np.int64),
    "none": np.arange(8),
}


def bins_of(site: np.ndarray, rsrp_dbm: np.ndarray, disturbing_dbm: np.ndarray) -> Signals:
    """Every bin hears every cell; levels (bins, cells)."""
    order = np.argsort(-rsrp_dbm, axis=1)
    levels = (np.take_along_axis(level, order, 1).ravel() for level in (rsrp_dbm, disturbing_dbm))
    return Signals(np.arange(len(rsrp_dbm) + 1) * len(site), order.ravel(), *levels, site.astype(np.int64))


def random_signals(bins: int, seed: int) -> Signals:
    """Levels of which some serve nothing."""
    rng = np.random.default_rng(seed)
    rsrp_dbm = rng.uniform(-112.0, -88.0, (bins, len(SITE)))
    disturbing_dbm = rsrp_dbm + rng.uniform(0.0, 4.0, rsrp_dbm.shape)
    return bins_of(SITE, np.where(rng.random(rsrp_dbm.shape) < 0.4, -np.inf, rsrp_dbm), disturbing_dbm)


def plain_hits(
    signals: Signals, load: np.ndarray, need: SinrNeed, shared: np.ndarray, normals: np.ndarray, missing: int
) -> np.ndarray:
    """In how many draws some signal meets the need: every signal's SINR by its definition."""
    hits = np.zeros(len(signals), dtype=np.int64)
    noise_mw, ratio = 10.0 ** (0.1 * need.noise_dbm), 10.0 ** (0.1 * need.sinr_db)
    for i in range(len(signals)):
        rows = np.arange(signals.bin_start[i], signals.bin_start[i + 1])
        rows = rows[signals.site[signals.cell[rows]] != missing]
        cell = signals.cell[rows]
        shadow_db = 8.0 * normals[signals.site[cell]]
        wanted_mw = 10.0 ** (0.1 * (signals.rsrp_dbm[rows, None] + shadow_db))
        disturbing_mw = load[cell, None] * 10.0 ** (0.1 * (signals.interference_dbm[rows, None] + shadow_db))
        met = np.zeros(normals.shape[1], dtype=bool)
        for group in set(shared[cell].tolist()):
            mine = shared[cell] == group
            met |= wanted_mw[mine].sum(axis=0) >= ratio * (noise_mw + disturbing_mw[~mine].sum(axis=0))
        hits[i] = int(met.sum())
    return hits


@pytest.mark.parametrize("name", SHARED)
def test_the_same_draws_give_the_same_counts(name: str) -> None:
    signals, load, shared = random_signals(60, seed=1), np.linspace(0.2, 1.0, 8), SHARED[name]
    up, down, worst = joint_reliability(signals, load, NEED, SHADOWING, ONE_LOOK, shared=shared)
    normals = joint_normals(np.random.default_rng(ONE_LOOK.seed), 5, 512, SHADOWING)
    plain = [plain_hits(signals, load, NEED, shared, normals, missing) for missing in range(-1, 5)]
    np.testing.assert_array_equal(np.rint(512 * up.probability), plain[0])
    np.testing.assert_array_equal(np.rint(512 * down.probability), np.min(plain[1:], axis=0))
    np.testing.assert_array_equal(worst, np.argmin(plain[1:], axis=0))
    assert 0.2 < plain[0].mean() / 512 < 0.999


@pytest.mark.parametrize("name", ["by site", "facing sectors", "some alone"])
def test_other_draws_agree_within_chance(name: str) -> None:
    signals, load, shared, draws = random_signals(12, seed=2), np.full(8, 0.5), SHARED[name], 20_000
    up, down, _ = joint_reliability(signals, load, NEED, SHADOWING, Sampling(risk=1e-6), shared=shared)
    rng = np.random.default_rng(99)
    normals = np.sqrt(0.5) * (rng.standard_normal(draws) + rng.standard_normal((5, draws)))
    slack = 5.0 * np.sqrt(0.25 / draws)
    plain = [plain_hits(signals, load, NEED, shared, normals, missing) / draws for missing in range(-1, 5)]
    for found, exact in ((up, plain[0]), (down, np.min(plain[1:], axis=0))):
        assert ((exact >= found.probability_low - slack) & (exact <= found.probability_high + slack)).all()


def test_margins_are_what_can_still_be_asked_for() -> None:
    signals, load, shared = random_signals(24, seed=3), np.full(8, 0.4), SHARED["some alone"]
    found = joint_reliability(signals, load, NEED, SHADOWING, ONE_LOOK, shared=shared)[:2]
    for i in range(0, 24, 3):
        for k in range(2):
            if abs(found[k].margin_low_db[i]) == 64.0:
                continue
            for extra_db, held in ((0.0, True), (1.0 / 32.0, False)):
                need = replace(NEED, sinr_db=NEED.sinr_db + found[k].margin_low_db[i] + extra_db)
                again = joint_reliability(signals, load, need, SHADOWING, ONE_LOOK, shared=shared)[k]
                assert (again.probability_low[i] >= NEED.reliability) == held


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_two_equal_heads_alone_by_quadrature(rho: float) -> None:
    """g1 + g2 ≥ need over noise: over the common component, then over one head, the other's tail in closed form."""
    level_dbm = np.linspace(-118.0, -100.0, 10)
    levels = np.column_stack([level_dbm, level_dbm])
    signals, shadowing = bins_of(np.array([0, 1]), levels, levels), replace(SHADOWING, site_correlation=rho)
    sampling, both = Sampling(risk=1e-6), np.zeros(2, dtype=np.int64)
    up, down, _ = joint_reliability(signals, np.ones(2), NEED, shadowing, sampling, shared=both)
    x = np.linspace(-9.0, 9.0, 3601)
    weight = np.exp(-0.5 * x * x)
    weight /= weight.sum()
    common, own = 8.0 * np.sqrt(rho) * x[::20, None], 8.0 * np.sqrt(1.0 - rho)
    common_weight = weight[::20] / weight[::20].sum()
    for i, level in enumerate(level_dbm):
        short_mw = 10.0 ** (0.1 * (NEED.sinr_db + NEED.noise_dbm)) - 10.0 ** (0.1 * (level + common + own * x[None, :]))
        need_db = 10.0 * np.log10(np.maximum(short_mw, 1e-60))
        tail = np.where(short_mw > 0.0, ndtr((level + common - need_db) / own), 1.0)
        exact = float(common_weight @ (tail @ weight))
        assert up.probability_low[i] <= exact <= up.probability_high[i]
        # with either head down the other goes on, against noise alone
        one = float(ndtr((level - NEED.noise_dbm - NEED.sinr_db) / 8.0))
        assert down.probability_low[i] <= one <= down.probability_high[i]


def test_one_signal_of_all_cells_knows_no_interference() -> None:
    signals, shared = random_signals(40, seed=4), SHARED["all"]
    quiet, loud = (
        joint_reliability(signals, np.full(8, load), NEED, SHADOWING, ONE_LOOK, shared=shared) for load in (0.0, 1.0)
    )
    for k in range(2):
        np.testing.assert_array_equal(quiet[k].probability, loud[k].probability)
    alone = joint_reliability(signals, np.ones(8), NEED, SHADOWING, ONE_LOOK)
    assert (alone[0].probability < loud[0].probability).mean() > 0.5


def test_numbers_of_their_own_are_no_sharing() -> None:
    signals, load = random_signals(40, seed=5), np.full(8, 0.3)
    plain = joint_reliability(signals, load, NEED, SHADOWING, ONE_LOOK)
    numbered = joint_reliability(signals, load, NEED, SHADOWING, ONE_LOOK, shared=np.arange(8)[::-1] * 10 - 7)
    for k in range(2):
        np.testing.assert_array_equal(plain[k].probability, numbered[k].probability)
        np.testing.assert_array_equal(plain[k].margin_low_db, numbered[k].margin_low_db)
    np.testing.assert_array_equal(plain[2], numbered[2])


def test_median_sinr_of_a_shared_cell_by_hand() -> None:
    levels = np.array([[-90.0, -93.0, -95.0, -96.0], [-np.inf, -93.0, -95.0, -np.inf], [-np.inf] * 4])
    disturbing = np.array([[-90.0, -93.0, -95.0, -96.0]] * 3)
    signals, load = bins_of(np.arange(4), levels, disturbing), np.array([0.5, 0.5, 0.25, 0.25])
    sinr_db, row = median_sinr_db(signals, load, -110.0, np.array([0, 1, 0, 1]))
    others_mw = 0.5 * 10.0**-9.3 + 0.25 * 10.0**-9.6 + 10.0**-11.0
    assert sinr_db[0] == pytest.approx(10.0 * np.log10((10.0**-9.0 + 10.0**-9.5) / others_mw))
    # its head that serves nothing is the louder one, yet disturbs it as little as the other
    assert sinr_db[1] == pytest.approx(-95.0 - 10.0 * np.log10(others_mw))
    assert signals.cell[row[:2]].tolist() == [0, 2]
    assert np.isnan(sinr_db[2])
    assert row[2] == -1


def test_where_nobody_serves_nobody_is_best() -> None:
    signals = bins_of(np.arange(2), np.full((1, 2), -np.inf), np.full((1, 2), -60.0))
    for shared in (None, np.zeros(2, dtype=np.int64)):
        sinr_db, row = median_sinr_db(signals, np.ones(2), -110.0, shared)
        assert np.isnan(sinr_db).all()
        assert row.tolist() == [-1]
        up, down, _ = joint_reliability(signals, np.ones(2), NEED, SHADOWING, Sampling(), shared=shared)
        assert up.probability.tolist() == down.probability.tolist() == [0.0]


def test_shared_cells_of_another_count_are_refused() -> None:
    signals = random_signals(2, seed=6)
    with pytest.raises(InputError, match="shared cells"):
        joint_reliability(signals, np.ones(8), NEED, SHADOWING, Sampling(), shared=np.zeros(7, dtype=np.int64))
