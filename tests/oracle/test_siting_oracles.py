"""Least-cost siting against brute force over all plans, and against a second solver on a real road."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from second_solver import second_optimum
from trassa.plan.claims.radio import GAP_ROUNDING
from trassa.plan.radio.questions import planned_radio
from trassa.radio.antenna import SectorPattern
from trassa.radio.antenna_settings import AntennaSettings
from trassa.radio.bins import bins_of, points_of, windows_of, with_windows
from trassa.radio.budget import Budget
from trassa.radio.candidates import candidates_of
from trassa.radio.coverage import Rows, place_degree, rows_of, served_slots
from trassa.radio.paths import TerrainPaths
from trassa.radio.site_search import SiteSearch
from trassa.radio.siting import Solution, dual_bound_minor, solve_siting

HEIGHTS = 2


def random_programme(rng: np.random.Generator, places: int, rows: int, k: int, share: float) -> tuple[Rows, np.ndarray]:
    """Rows over places with two heights, where the taller usually, not always, serves what the shorter does."""
    short = rng.random((rows, places)) < share
    tall = (short & (rng.random((rows, places)) < 0.95)) | (rng.random((rows, places)) < share / 2)
    serves = sp.csr_array(np.stack([short, tall], axis=2).reshape(rows, places * HEIGHTS).astype(np.int32))
    low = rng.integers(5, 30, places)
    cost = np.column_stack([low, low + rng.integers(0, 8, places)]).ravel().astype(np.int64) * 1000
    numbers = np.arange(rows)
    return Rows(numbers, numbers, np.minimum(k, place_degree(serves, HEIGHTS)), serves), cost


def cheapest_by_trying_all(rows: Rows, cost: np.ndarray) -> int | None:
    """The cost of the best plan, each place left empty or given one of its heights; None where no plan serves."""
    serves, need = rows.serves.toarray(), rows.need
    places = serves.shape[1] // HEIGHTS
    best: int | None = None
    for plan in itertools.product(range(HEIGHTS + 1), repeat=places):
        slots = [p * HEIGHTS + h - 1 for p, h in enumerate(plan) if h]
        total = int(sum(cost[slot] for slot in slots))
        if (best is None or total < best) and np.all(serves[:, slots].sum(axis=1) >= need):
            best = total
    return best


def solved(rows: Rows, cost: np.ndarray) -> Solution:
    return solve_siting(rows, cost, HEIGHTS, gap=0.0, time_limit_s=30.0)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("seed", range(25))
def test_equals_brute_force(k: int, seed: int) -> None:
    rows, cost = random_programme(np.random.default_rng(1000 * k + seed), places=6, rows=9, k=k, share=0.4)
    best, found = cheapest_by_trying_all(rows, cost), solved(rows, cost)
    if best is None:
        assert found.status == "infeasible"
        return
    assert (found.status, found.cost_minor, found.bound_minor) == ("optimal", best, best)
    served = rows.serves.toarray()[:, list(found.slots)].sum(axis=1)
    assert np.all(served >= rows.need)
    assert len({slot // HEIGHTS for slot in found.slots}) == len(found.slots)
    assert found.lp_bound_minor <= best


@pytest.mark.parametrize("seed", [24, 39, 5])
def test_costs_of_eight_digits_without_a_common_divisor(seed: int) -> None:
    """Their scale is left alone: the plan is the cheapest, and the bound stays within the solver's tolerance of it."""
    rng = np.random.default_rng(seed)
    rows, cost = random_programme(rng, places=6, rows=9, k=2, share=0.4)
    cost = cost * 2000 + rng.integers(0, 1000, len(cost))
    best, found = cheapest_by_trying_all(rows, cost), solved(rows, cost)
    assert best is not None
    assert (found.status, found.cost_minor) == ("optimal", best)
    assert best * (1.0 - GAP_ROUNDING) <= found.bound_minor <= best
    assert found.gap <= GAP_ROUNDING
    assert solved(rows, cost).slots == found.slots


def test_of_equal_plans_always_the_same_one() -> None:
    """Every place costs and serves alike: the slots of two runs are the same all the same."""
    serves = sp.csr_array(np.ones((4, 12), dtype=np.int32))
    rows, cost = Rows(np.arange(4), np.arange(4), np.full(4, 2), serves), np.full(12, 14_500_000)
    first = solved(rows, cost)
    assert first.cost_minor == 29_000_000
    assert [solved(rows, cost).slots for _ in range(3)] == [first.slots] * 3


def test_a_second_on_a_hard_programme_is_called_what_it_is() -> None:
    """Out of time: a plan that serves, a bound below its cost, and no word of an optimum."""
    rng = np.random.default_rng(5)
    rows, cost = random_programme(rng, places=160, rows=900, k=2, share=0.03)
    cost = cost * 2000 + rng.integers(0, 1000, len(cost))
    found = solve_siting(rows, cost, HEIGHTS, gap=0.0, time_limit_s=1.0)
    assert found.status == "time limit"
    assert 0 < found.bound_minor < found.cost_minor
    assert found.cost_minor == sum(int(cost[slot]) for slot in found.slots)
    assert np.all(rows.serves.toarray()[:, list(found.slots)].sum(axis=1) >= rows.need)
    assert dual_bound_minor(found.rows, found.duals, cost, HEIGHTS) >= found.lp_bound_minor


def test_some_random_programmes_have_no_plan() -> None:
    """The branch above is alive: two rows may ask for different heights of one place."""
    serves = sp.csr_array(np.array([[1, 0, 0, 0], [0, 1, 0, 0]], dtype=np.int32))
    rows = Rows(np.arange(2), np.arange(2), np.array([1, 1]), serves)
    cost = np.array([5, 6, 7, 8])
    assert cheapest_by_trying_all(rows, cost) is None
    assert solved(rows, cost).status == "infeasible"


def test_medium_instance_equals_second_solver() -> None:
    """The unreduced programme in scipy's interface, with the places' rule written as rows of its own."""
    rng = np.random.default_rng(7)
    places, points = 160, 900
    at, where = np.sort(rng.uniform(0, 40_000, places)), np.linspace(0, 40_000, points)
    reach = np.column_stack([rng.uniform(900, 2600, places), rng.uniform(900, 2600, places) + 500]).ravel()
    serves = sp.csr_array((np.abs(where[:, None] - np.repeat(at, HEIGHTS)) <= reach).astype(np.int32))
    rows = Rows(np.arange(points), np.arange(points), np.minimum(2, place_degree(serves, HEIGHTS)), serves)
    low = rng.integers(60, 160, places)
    cost = np.column_stack([low, low + 20]).ravel().astype(np.int64) * 100_000
    found = solved(rows, cost)
    one_height = sp.kron(sp.eye_array(places), np.ones((1, HEIGHTS)))
    second = scipy.optimize.milp(
        cost / 100_000,
        integrality=np.ones(places * HEIGHTS),
        bounds=scipy.optimize.Bounds(0, 1),
        constraints=[
            scipy.optimize.LinearConstraint(serves, rows.need, np.inf),
            scipy.optimize.LinearConstraint(one_height, -np.inf, 1),
        ],
    )
    assert second.status == 0
    assert found.cost_minor == round(second.fun) * 100_000
    assert found.gap == 0.0


def test_dual_bound_equals_the_relaxation_of_a_second_solver() -> None:
    rows, cost = random_programme(np.random.default_rng(3), places=40, rows=120, k=2, share=0.12)
    found = solved(rows, cost)
    one_height = sp.kron(sp.eye_array(40), np.ones((1, HEIGHTS)))
    relaxed = scipy.optimize.linprog(
        cost,
        A_ub=sp.vstack([-rows.serves, one_height]),
        b_ub=np.concatenate([-rows.need, np.ones(40)]),
        bounds=(0, 1),
    )
    assert found.lp_bound_minor == pytest.approx(relaxed.fun, abs=1.5)
    assert dual_bound_minor(found.rows, found.duals, cost, HEIGHTS) == pytest.approx(relaxed.fun, abs=1.5)


@pytest.mark.parametrize("seed", range(20))
def test_any_duals_give_a_bound(seed: int) -> None:
    """Weak duality needs no good duals: random ones never exceed the optimum."""
    rng = np.random.default_rng(seed)
    rows, cost = random_programme(rng, places=6, rows=8, k=2, share=0.6)
    best = cheapest_by_trying_all(rows, cost)
    if best is not None:
        for scale in (100.0, 5_000.0, 50_000.0):
            assert dual_bound_minor(rows, rng.exponential(scale, len(rows)), cost, HEIGHTS) <= best + 1e-6


def test_bound_forged_by_leaving_out_places_would_exceed_the_cost() -> None:
    """The places' term matters: without it large duals would 'prove' anything."""
    rows, cost = random_programme(np.random.default_rng(5), places=6, rows=8, k=2, share=0.6)
    best, duals = cheapest_by_trying_all(rows, cost), np.full(8, 1e6)
    assert best is not None
    assert float(rows.need @ duals) > best >= dual_bound_minor(rows, duals, cost, HEIGHTS)


@pytest.mark.parametrize("any_site_down", [False, True])
def test_a_real_road_equals_the_second_solver(planned_a4: Path, any_site_down: bool, tmp_path: Path) -> None:
    """Three heights, each with both sectors or one, at two tilts, and the windows of handovers: rounds and reduction
    here, a row for every bin and window there.
    """
    planned = planned_radio(planned_a4)
    antenna = AntennaSettings(kind="sector", sectors=["both", "ahead", "back"], tilts_deg=[2.0, 6.0])
    settings = planned.settings.model_copy(
        update={
            "antenna": antenna,
            "any_site_down": any_site_down,
            "siting_gap": 0.0,
            "need_rsrp_dbm": -100.0,
            "new_mast_heights_m": [20.0, 30.0, 45.0],
            "new_mast_spacing_m": 500.0,
            "handover": planned.settings.handover.model_copy(update={"overlap": True}),
        }
    )
    assert planned.ground is not None
    shape = (antenna.horizontal_width_deg, antenna.vertical_width_deg, antenna.front_to_back_db, antenna.side_lobe_db)
    paths = TerrainPaths(planned.ground, settings, SectorPattern(settings.site_gain_dbi, *shape))
    candidates = candidates_of(planned.road, planned.ground, settings)
    points, bins = points_of(planned.road), bins_of(planned.road, settings.exempt_structures)
    spans = with_windows(bins, windows_of(bins, settings.overlap_m))
    budget, options = Budget.of(settings, {}), len(candidates.options)
    found = SiteSearch(paths, candidates, points, spans, settings).find(budget)
    assert (found.result.status, found.result.gap) == ("optimal", 0.0)
    assert len({slot % options for slot in found.result.slots}) > 1, "no option decides anything"

    serves = served_slots(paths.links(candidates, points), budget.largest_loss_db, len(points))
    counted, servers = spans.counted, 2 if any_site_down else 1
    rows = rows_of(serves, spans.start[counted], spans.end[counted], servers, options)
    assert np.array_equal(rows.need, found.need[counted])
    second = second_optimum(rows, candidates.cost_minor.ravel(), options, tmp_path)
    assert second == ("optimal", found.result.cost_minor, found.result.cost_minor)
