"""Cuts against every plan of a small road: none that keeps the promise may be cut off, and the bound stays below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.provenance import Progress, no_progress
from trassa.radio import settling
from trassa.radio.bins import Points, bins_of, points_of
from trassa.radio.budget import Budget
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.cuts import Cut
from trassa.radio.interference import Sampling
from trassa.radio.joint_service import Hidden, JointJudge
from trassa.radio.links import Links
from trassa.radio.recount import cost_of, short_bins
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import SiteSearch
from trassa.radio.trial import Trial

NOTHING = Hidden(0.0, 0.0, "test")


class StreetPaths:
    """Losses that rise with distance and differ from mast to mast; the same at every share of the time."""

    by_measure_only = False

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        away_m = np.abs(candidates.measure_m[:, None] - points.measure_m) + 20.0
        own_db = 6.0 * np.sin(candidates.measure_m * 0.7 + self.seed)[:, None]
        ripple_db = 4.0 * np.sin(points.measure_m / 90.0 + candidates.measure_m[:, None] + self.seed)
        loss = np.repeat(
            (55.0 + 25.0 * np.log10(away_m) + own_db + ripple_db)[..., None], candidates.height_m.shape[1], 2
        )
        place, receiver = np.nonzero(away_m < 1e9)
        start = np.searchsorted(place, np.arange(len(candidates) + 1))
        return Links(start, receiver.astype(np.int32), loss[place, receiver].astype(np.float32))

    def with_time_percent(self, time_percent: float) -> StreetPaths:
        return self

    def without_antennas(self) -> StreetPaths:
        return self


def street(seed: int, any_site_down: bool) -> tuple[Trial, int]:
    """A street of 1.2 km with eight places for masts, asked for a rate that crowding makes hard."""
    settings = RadioSettings(
        new_mast_spacing_m=150.0,
        new_mast_heights_m=[25.0],
        siting_gap=0.0,
        siting_step_m=10.0,
        any_site_down=any_site_down,
        with_interference=True,
        rate_down_mbps=6.5,
        neighbour_load=0.35,
        sigma_db=4.0,
        need_rsrp_dbm=-105.0,
        eirp_per_re_dbm=20.0,
        reliability=0.9,
    )
    road, paths = drawn_road(1200.0), StreetPaths(seed)
    candidates, points, bins = candidates_of(road, None, settings), points_of(road), bins_of(road, [])
    prices = 1000 * (3 + np.arange(len(candidates)) * (seed + 2) % 5).astype(np.int64)
    candidates = replace(candidates, cost_minor=prices[:, None])
    search = SiteSearch(paths, candidates, points, bins, settings)
    judge = JointJudge(paths, candidates, points, bins, settings)
    judge.sampling = Sampling(most_draws=2048)
    budget = Budget.of(settings, {})
    need = search.find(budget).need
    return Trial(search, search.book.over(bins), budget, judge, NOTHING, need), len(candidates)


def keeps(trial: Trial, slots: Sequence[int]) -> bool:
    """Whether a plan has its servers on every bin and keeps the rate beside the load."""
    trial.book.open(slots)
    if len(short_bins(trial.book, slots, trial.budget, trial.need)):
        return False
    return not len(trial.judged(tuple(slots))[1])


@pytest.mark.parametrize(
    ("seed", "any_site_down", "possible"),
    [(6, False, True), (12, False, True), (31, False, True), (2, True, False), (4, True, False)],
)
def test_cuts_lead_to_the_cheapest_plan_and_cut_off_none_that_keeps_the_promise(
    seed: int, any_site_down: bool, possible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, places = street(seed, any_site_down)
    cuts: list[Cut] = []
    original = settling.cuts_for

    def noted(*arguments: object) -> list[Cut]:
        fresh = original(*arguments)  # type: ignore[arg-type]
        cuts.extend(fresh)
        return fresh

    monkeypatch.setattr(settling, "cuts_for", noted)
    one = settling._plan(trial.search, trial.book, trial.budget, trial.judge, NOTHING, no_progress)
    plans = [plan for size in range(places + 1) for plan in combinations(range(places), size)]
    kept = [plan for plan in plans if keeps(trial, plan)]
    assert bool(kept) == possible
    assert cuts, "without a cut the test shows nothing"
    for cut in cuts:
        for plan in kept:
            lifted = any(slot in plan for slot in cut.lifting)
            assert lifted or any(slot not in plan for slot in cut.crowding), f"{plan} is cut off by {cut}"
    if not kept:
        assert len(one.drowned) > 0
        return
    least = min(cost_of(trial.book, plan) for plan in kept)
    assert keeps(trial, one.slots)
    assert len(one.drowned) == 0
    assert cost_of(trial.book, one.slots) == one.found.result.bound_minor == least


def test_the_street_needs_cuts() -> None:
    trial, _ = street(6, False)
    found = trial.search.find(trial.budget)
    assert len(trial.judged(tuple(found.result.slots))[1]), "without interference the test would show nothing"
