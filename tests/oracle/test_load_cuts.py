"""Cuts for overloaded cells against every plan of small streets: none that keeps the bound may be cut off."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from street import keeps, planned, street
from trassa.radio import settling
from trassa.radio.cuts import Cut
from trassa.radio.recount import cost_of
from trassa.radio.trial import Trial

BUSY: dict[str, Any] = {"neighbour_load": 0.35, "vehicles_per_km": 100.0}
FEW_PLACES: dict[str, Any] = {"new_mast_spacing_m": 250.0, "antenna": {"kind": "omni", "back_offs_db": [0.0, 6.0]}}


def plans_of(trial: Trial) -> list[tuple[int, ...]]:
    """Every plan: at each place nothing or one option."""
    places, options = trial.search.candidates.cost_minor.shape
    choices = [[None, *range(place * options, (place + 1) * options)] for place in range(places)]
    return [tuple(slot for slot in plan if slot is not None) for plan in product(*choices)]


@pytest.mark.parametrize(
    ("seed", "any_site_down", "rate_mbps", "more", "ends"),
    [
        (2, False, 0.06, {}, True),
        (8, False, 0.06, {}, True),
        (4, False, 0.06, {}, False),
        (2, False, 0.06, {"with_interference": True, "rate_down_mbps": 6.0}, True),
        (2, True, 0.05, {}, True),
        (4, True, 0.05, {}, True),
        (9, False, 0.06, FEW_PLACES, True),
        (7, True, 0.03, FEW_PLACES, True),
        (4, True, 0.4, {}, False),
    ],
)
def test_cuts_lead_to_the_cheapest_plan_and_cut_off_none_that_keeps_the_bound(
    seed: int, any_site_down: bool, rate_mbps: float, more: dict[str, Any], ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, _ = street(seed, any_site_down, **BUSY, rate_per_vehicle_mbps=rate_mbps, **more)
    cuts: list[Cut] = []
    original = settling.load_cuts_for

    def noted(*arguments: object) -> list[Cut]:
        fresh = original(*arguments)  # type: ignore[arg-type]
        cuts.extend(fresh)
        return fresh

    monkeypatch.setattr(settling, "load_cuts_for", noted)
    one = planned(trial)
    kept = [plan for plan in plans_of(trial) if keeps(trial, plan)]
    assert cuts, "without a cut the test shows nothing"
    for cut in cuts:
        for plan in kept:
            lifted = any(slot in plan for slot in cut.lifting)
            assert lifted or any(slot not in plan for slot in cut.crowding), f"{plan} is cut off by {cut}"
    if not kept:
        assert not ends
        assert len(one.verdict.crowded) > 0
        return
    least = min(cost_of(trial.book, plan) for plan in kept)
    assert len(one.verdict.failing) == 0
    assert keeps(trial, one.slots)
    assert one.found.result.bound_minor <= least <= cost_of(trial.book, one.slots)
    assert (one.found.result.bound_minor == least == cost_of(trial.book, one.slots)) == ends
    assert (one.lifts == 0) == ends
