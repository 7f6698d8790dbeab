"""What must hold of every least-cost plan, whatever the instance."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.radio.coverage import Rows, place_degree
from trassa.radio.reduction import reduced
from trassa.radio.siting import Solution, missing_servers, solve_siting

HEIGHTS = 2


@st.composite
def roads(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Points, places with two reaches each, costs and the number of servers wanted, on a road of 60 steps."""
    places = draw(st.integers(2, 9))
    at = np.array(draw(st.lists(st.integers(0, 60), min_size=places, max_size=places)))
    short = np.array(draw(st.lists(st.integers(2, 25), min_size=places, max_size=places)))
    more = np.array(draw(st.lists(st.integers(0, 8), min_size=places, max_size=places)))
    cost = np.array(draw(st.lists(st.integers(1, 30), min_size=places, max_size=places)))
    extra = np.array(draw(st.lists(st.integers(0, 9), min_size=places, max_size=places)))
    reach = np.column_stack([short, short + more])
    return at, reach, np.column_stack([cost, cost + extra]).astype(np.int64), draw(st.sampled_from([1, 2]))


def rows_on(at: np.ndarray, reach: np.ndarray, k: int) -> Rows:
    points = np.arange(0, 61)
    serves = np.abs(points[:, None, None] - at[None, :, None]) <= reach[None]
    matrix = sp.csr_array(serves.reshape(len(points), -1).astype(np.int32))
    return Rows(points, points, np.minimum(k, place_degree(matrix, HEIGHTS)), matrix)


def solved(rows: Rows, cost: np.ndarray) -> Solution:
    found = solve_siting(rows, cost.ravel(), HEIGHTS, gap=0.0, time_limit_s=30.0)
    assert found.status == "optimal"
    return found


@given(roads())
@settings(max_examples=60, deadline=None)
def test_mirrored_road_costs_the_same(road: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    at, reach, cost, k = road
    there = solved(rows_on(at, reach, k), cost).cost_minor
    assert solved(rows_on(60 - at[::-1], reach[::-1], k), cost[::-1]).cost_minor == there


@given(roads(), st.integers(0, 60), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_another_candidate_never_raises_the_optimum(
    road: tuple[np.ndarray, np.ndarray, np.ndarray, int], where: int, price: int
) -> None:
    at, reach, cost, k = road
    before = rows_on(at, reach, k)
    wider = rows_on(np.append(at, where), np.vstack([reach, [6, 9]]), k)
    after = Rows(wider.start, wider.end, before.need, wider.serves)
    more = np.vstack([cost, [price, price + 1]])
    assert solved(after, more).cost_minor <= solved(before, cost).cost_minor


@given(roads())
@settings(max_examples=60, deadline=None)
def test_every_site_is_necessary(road: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
    at, reach, cost, k = road
    rows = rows_on(at, reach, k)
    slots = list(solved(rows, cost).slots)
    serves = rows.serves.toarray()
    for slot in slots:
        rest = [other for other in slots if other != slot]
        assert np.any(serves[:, rest].sum(axis=1) < rows.need)


@given(st.integers(0, 10_000), st.integers(1, 90), st.sampled_from([0.05, 0.3, 0.7]))
@settings(max_examples=80, deadline=None)
def test_reduction_keeps_every_plan(seed: int, slots: int, share: float) -> None:
    """A set of slots satisfies the reduced rows exactly when it satisfies all of them."""
    rng = np.random.default_rng(seed)
    serves = sp.csr_array((rng.random((40, slots)) < share).astype(np.int32))
    need = np.minimum(rng.integers(0, 3, 40), np.diff(serves.indptr))
    rows = Rows(np.arange(40), np.arange(40), need, serves)
    fewer = reduced(rows)
    plans = rng.random((slots, 200)) < rng.random(200)
    all_hold = np.all(rows.serves @ plans >= rows.need[:, None], axis=0)
    fewer_hold = np.all(fewer.serves @ plans >= fewer.need[:, None], axis=0) if len(fewer) else np.ones(200, dtype=bool)
    assert np.array_equal(all_hold, fewer_hold)
    again = reduced(fewer)
    assert np.array_equal(again.start, fewer.start), "a second pass finds nothing more"


def test_reduction_merges_identical_rows_and_drops_implied_ones() -> None:
    pattern = [[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]
    serves = sp.csr_array(np.array(pattern, dtype=np.int32))
    numbers = np.arange(5)
    assert reduced(Rows(numbers, numbers, np.array([1, 1, 1, 1, 1]), serves)).start.tolist() == [0, 3]
    assert reduced(Rows(numbers, numbers, np.array([1, 2, 2, 1, 2]), serves)).start.tolist() == [2, 3]
    assert reduced(Rows(numbers, numbers, np.array([1, 1, 1, 1, 3]), serves)).start.tolist() == [0, 3, 4]
    assert len(reduced(Rows(numbers, numbers, np.zeros(5, dtype=np.int64), serves))) == 0


def test_rows_that_want_both_heights_of_one_place_are_named() -> None:
    serves = sp.csr_array(np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]], dtype=np.int32))
    rows = Rows(np.arange(3), np.arange(3), np.ones(3, dtype=np.int64), serves)
    missing = missing_servers(rows, np.array([1, 1, 1, 1]), HEIGHTS, time_limit_s=10.0)
    assert missing.tolist() in ([1, 0, 0], [0, 1, 0])


def test_symmetric_long_road_is_solved_at_the_root() -> None:
    """669 km of one kind of mast every 250 m: intervals, so the relaxation is whole where one height is offered."""
    at, points = np.arange(0, 669_001, 250), np.arange(0, 669_001, 30)
    first, last = (np.searchsorted(points, at + side * 5_300, "left" if side < 0 else "right") for side in (-1, 1))
    counts = last - first
    where = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
    ones = np.ones(len(where), dtype=np.int32)
    serves = sp.csr_array(sp.coo_array((ones, (where, np.repeat(np.arange(len(at)), counts))), (len(points), len(at))))
    rows = Rows(points, points, np.full(len(points), 2), serves)
    found = solve_siting(rows, np.full(len(at), 14_500_000), 1, gap=0.0, time_limit_s=100.0)
    masts = len(found.slots)
    assert (found.status, found.bound_minor, found.gap) == ("optimal", masts * 14_500_000, 0.0)
    assert masts == 2 * int(np.ceil(669_000 / 10_600))
    assert found.lp_bound_minor >= found.cost_minor - 1


def test_no_time_leaves_a_plan_and_an_honest_gap() -> None:
    rng = np.random.default_rng(11)
    serves = sp.csr_array((rng.random((400, 120)) < 0.08).astype(np.int32))
    numbers = np.arange(400)
    rows = Rows(numbers, numbers, np.minimum(2, place_degree(serves, HEIGHTS)), serves)
    cost = rng.integers(50, 90, 120).astype(np.int64)
    hurried = solve_siting(rows, cost, HEIGHTS, gap=0.0, time_limit_s=1e-4)
    assert hurried.status == "time limit"
    assert np.all(serves.toarray()[:, list(hurried.slots)].sum(axis=1) >= rows.need)
    assert 0 <= hurried.bound_minor < hurried.cost_minor
    assert hurried.gap > 0.0
