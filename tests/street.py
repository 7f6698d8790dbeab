"""A street of 1.2 km with eight places for masts, small enough to try every plan of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from drawn_road import drawn_road
from trassa.provenance import Progress, no_progress
from trassa.radio import settling
from trassa.radio.bins import Points, bins_of, points_of
from trassa.radio.budget import Budget
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.interference import Sampling
from trassa.radio.joint_service import Hidden, JointJudge
from trassa.radio.links import Links
from trassa.radio.recount import short_bins
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import SiteSearch
from trassa.radio.trial import Trial

__all__ = ["NOTHING", "StreetPaths", "keeps", "planned", "street"]

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
        loss_db = 55.0 + 25.0 * np.log10(away_m) + own_db + ripple_db
        loss = loss_db[..., None] + candidates.options.back_off_db
        place, receiver = np.nonzero(away_m < 1e9)
        start = np.searchsorted(place, np.arange(len(candidates) + 1))
        return Links(start, receiver.astype(np.int32), loss[place, receiver].astype(np.float32))

    def with_time_percent(self, time_percent: float) -> StreetPaths:
        return self

    def without_antennas(self) -> StreetPaths:
        return self


def street(seed: int, any_site_down: bool, **asked: Any) -> tuple[Trial, int]:
    """The trial of its plans, and how many slots it has; ``asked`` are the promises in ``[radio]``."""
    given: dict[str, Any] = {
        "new_mast_spacing_m": 150.0,
        "new_mast_heights_m": [25.0],
        "siting_gap": 0.0,
        "siting_step_m": 10.0,
        "sigma_db": 4.0,
        "need_rsrp_dbm": -105.0,
        "eirp_per_re_dbm": 20.0,
        "reliability": 0.9,
    }
    settings = RadioSettings(any_site_down=any_site_down, **(given | asked))
    road, paths = drawn_road(1200.0), StreetPaths(seed)
    candidates, points, bins = candidates_of(road, None, settings), points_of(road), bins_of(road, [])
    prices = 1000 * (3 + np.arange(len(candidates)) * (seed + 2) % 5).astype(np.int64)
    options = np.arange(len(candidates.options))
    candidates = replace(candidates, cost_minor=prices[:, None] + 500 * options)
    search = SiteSearch(paths, candidates, points, bins, settings)
    judge = JointJudge(paths, candidates, points, bins, settings)
    judge.sampling = Sampling(most_draws=2048)
    budget = Budget.of(settings, {})
    need = search.find(budget).need
    return Trial(search, search.book.over(bins), budget, judge, NOTHING, need), candidates.cost_minor.size


def keeps(trial: Trial, slots: Sequence[int]) -> bool:
    """Whether a plan has its servers on every bin and keeps what is promised of rate and traffic."""
    options = len(trial.search.candidates.options)
    trial.book.open({slot // options for slot in slots})
    if len(short_bins(trial.book, slots, trial.budget, trial.need)):
        return False
    return not len(trial.verdict(tuple(slots)).failing)


def planned(trial: Trial) -> settling._Pass:
    """The plan that the siting comes to under the budget of the trial."""
    where = (trial.search, trial.book, trial.budget, trial.judge, NOTHING)
    one, again = settling._draft(*where, no_progress)
    settling._keep_promises(one, again, no_progress)
    return one
