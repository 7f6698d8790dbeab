"""What is kept from plan to plan gives what is computed anew: judgements, margins, spare sites, mended plans."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from street import NOTHING, street
from trassa.radio.coverage import Rows
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.recount import short_bins, spare_slots
from trassa.radio.siting import solve_siting
from trassa.radio.siting_repair import mended

BESIDE = {"with_interference": True, "rate_down_mbps": 2.0}
ASKED: dict[str, dict[str, Any]] = {
    "every cell by itself": BESIDE,
    "shared cells": {**BESIDE, "shared_cell_heads": 3},
    "sectors": {**BESIDE, "shared_cell_heads": 2, "antenna": {"kind": "sector", "tilts_deg": [0.0, 4.0]}},
}


def assert_same(one: Judged, other: Judged) -> None:
    """Bit by bit, margins and the worst site too."""
    for name in ("bin_start", "cell", "rsrp_dbm", "interference_dbm", "site"):
        np.testing.assert_array_equal(getattr(one.signals, name), getattr(other.signals, name))
    for first, second in ((one.up, other.up), (one.down, other.down)):
        for name in ("probability", "probability_low", "probability_high", "clear", "draws"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        np.testing.assert_array_equal(first.margin_db, second.margin_db)
        np.testing.assert_array_equal(first.margin_low_db, second.margin_low_db)
    np.testing.assert_array_equal(one.worst_site, other.worst_site)
    np.testing.assert_array_equal(one.sinr_db, other.sinr_db)
    np.testing.assert_array_equal(one.sharing.together, other.sharing.together)


@pytest.mark.parametrize("promised", ASKED)
def test_a_judge_that_has_seen_other_plans_judges_as_a_fresh_one(promised: str) -> None:
    trial, _ = street(3, any_site_down=True, **ASKED[promised])
    search, judge, rng = trial.search, trial.judge, np.random.default_rng(7)
    places, options = search.candidates.cost_minor.shape
    plan = set(rng.choice(places, 3, replace=False).tolist())
    for turn in range(6):
        plan ^= set(rng.choice(places, 2, replace=False).tolist())  # sites come and go
        built = tuple(sorted(place * options + int(rng.integers(options)) for place in plan))
        hidden = Hidden(0.5 * (turn // 2), 1.0 + turn // 3, "test")
        fresh = JointJudge(judge.paths, search.candidates, search.points, judge.bins, judge.settings)
        fresh.sampling = judge.sampling
        assert_same(judge.judge(built, trial.budget, hidden), fresh.judge(built, trial.budget, hidden))


def test_margins_of_some_bins_are_those_of_all() -> None:
    trial, _ = street(1, any_site_down=True, **BESIDE)
    whole = trial.judge.judge((0, 3, 5), trial.budget, NOTHING)
    bins = np.array([40, 3, 3, 77])
    for found in (whole.up, whole.down):
        some = found.take(bins)  # before the margins of all are asked for
        np.testing.assert_array_equal(some.margin_low_db, found.margin_low_db[bins])
        np.testing.assert_array_equal(some.margin_db, found.margin_db[bins])


@pytest.mark.parametrize("any_site_down", [False, True])
def test_spare_sites_are_those_without_which_no_bin_falls_short(any_site_down: bool) -> None:
    trial, slots = street(2, any_site_down)
    search, budget, need = trial.search, trial.budget, trial.need
    search.book.open(range(slots))
    met = 0
    for count in (2, 3, 5, 8):
        for plan in list(combinations(range(slots), count))[:12]:
            rest = {slot: [other for other in plan if other != slot] for slot in plan}
            brute = {slot for slot in plan if not len(short_bins(search.book, rest[slot], budget, need))}
            assert spare_slots(search.book, plan, budget, need) == brute
            met += bool(brute)
    assert met


@pytest.mark.parametrize("seed", range(6))
def test_a_mended_plan_meets_every_row_and_is_left_alone_far_away(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, options, count = 80, 2, 160
    number = np.arange(count, dtype=np.int64)
    near = np.abs(np.arange(places) - (number * places / count)[:, None]) <= 3.0
    serves = np.repeat(near & (rng.random(near.shape) < 0.8), options, axis=1)
    serves[:, ::2] &= rng.random(serves[:, ::2].shape) < 0.7  # the lower mast serves less
    cost = np.tile([3, 5], places) * rng.integers(1, 4, places * options).astype(np.int64)
    need = np.minimum(2, (serves.reshape(count, places, options).any(axis=2)).sum(axis=1)).astype(np.int64)
    rows = Rows(number, number, need, sp.csr_array(serves.astype(np.int32)))
    known = rows.take(number[(number < 60) | (number > 90)])
    first = solve_siting(known, cost, options, gap=0.0, time_limit_s=10.0)
    assert (rows.serves[:, list(first.slots)].sum(axis=1) < need).any()
    slots = mended(rows, first.slots, cost, options, time_limit_s=10.0)
    assert slots is not None
    assert (rows.serves[:, list(slots)].sum(axis=1) >= need).all()
    assert len({slot // options for slot in slots}) == len(slots)
    best = solve_siting(rows, cost, options, gap=0.0, time_limit_s=10.0)
    assert best.cost_minor <= sum(int(cost[slot]) for slot in slots)
    far = {slot for slot in first.slots if not 18 <= slot // options <= 58}
    assert far <= set(slots)
