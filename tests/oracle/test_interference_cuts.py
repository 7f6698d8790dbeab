"""Cuts against every plan of a small road: none that keeps the promise may be cut off, and the bound stays below it."""

from __future__ import annotations

from itertools import combinations

import pytest

from street import keeps, planned, street
from trassa.radio import settling
from trassa.radio.cuts import Cut
from trassa.radio.recount import cost_of

CROWDED = {"with_interference": True, "rate_down_mbps": 6.5, "neighbour_load": 0.35}
"""A rate that crowding makes hard."""


@pytest.mark.parametrize(
    ("seed", "any_site_down", "possible"),
    [(6, False, True), (12, False, True), (31, False, True), (2, True, False), (4, True, False)],
)
def test_cuts_lead_to_the_cheapest_plan_and_cut_off_none_that_keeps_the_promise(
    seed: int, any_site_down: bool, possible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, places = street(seed, any_site_down, **CROWDED)
    cuts: list[Cut] = []
    original = settling.cuts_for

    def noted(*arguments: object) -> list[Cut]:
        fresh = original(*arguments)  # type: ignore[arg-type]
        cuts.extend(fresh)
        return fresh

    monkeypatch.setattr(settling, "cuts_for", noted)
    one = planned(trial)
    plans = [plan for size in range(places + 1) for plan in combinations(range(places), size)]
    kept = [plan for plan in plans if keeps(trial, plan)]
    assert bool(kept) == possible
    assert cuts, "without a cut the test shows nothing"
    for cut in cuts:
        for plan in kept:
            lifted = any(slot in plan for slot in cut.lifting)
            assert lifted or any(slot not in plan for slot in cut.crowding), f"{plan} is cut off by {cut}"
    if not kept:
        assert len(one.verdict.short) > 0
        return
    least = min(cost_of(trial.book, plan) for plan in kept)
    assert keeps(trial, one.slots)
    assert len(one.verdict.failing) == 0
    assert cost_of(trial.book, one.slots) == one.found.result.bound_minor == least


def test_the_street_needs_cuts() -> None:
    trial, _ = street(6, False, **CROWDED)
    found = trial.search.find(trial.budget)
    assert len(trial.judged(tuple(found.result.slots))[1]), "without interference the test would show nothing"
