"""Neighbour relations: by hand on a few bins, and against a plain loop on random ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.radio.bins import bins_of, points_of
from trassa.radio.layers import SCHEMAS
from trassa.radio.neighbours import neighbours_layer, neighbours_of, next_bins
from trassa.radio.signals import Signals


def signals_of(levels: list[dict[int, float]], site: list[int]) -> Signals:
    """Signals of bins that are given as level by cell."""
    ranked = [sorted(heard.items(), key=lambda one: -one[1]) for heard in levels]
    flat = [pair for heard in ranked for pair in heard]
    start = np.concatenate([[0], np.cumsum([len(heard) for heard in ranked])]).astype(np.int64)
    rsrp = np.array([level for _, level in flat], dtype=np.float64)
    cell = np.array([number for number, _ in flat], dtype=np.int64)
    return Signals(start, cell, rsrp, rsrp + 10.0, np.array(site, dtype=np.int64))


ROW = [{0: -80.0, 1: -90.0}, {0: -84.0, 1: -88.0}, {1: -85.0, 0: -90.0, 2: -92.0}, {}, {2: -80.0}]


def test_close_cells_and_takeovers_are_neighbours() -> None:
    found = neighbours_of(signals_of(ROW, [0, 1, 2]), [1, 2, 3, 4, -1])
    relations = dict(zip(zip(found.source.tolist(), found.cell.tolist(), strict=True), range(len(found)), strict=True))
    assert set(relations) == {(0, 1), (1, 0)}
    assert found.bins[relations[0, 1]] == 1  # bin 1, 4 dB behind; on bin 0 it is 10 dB behind
    assert found.bins[relations[1, 0]] == 1
    assert found.handovers[relations[0, 1]].tolist() == [1, 0]
    assert found.handovers[relations[1, 0]].tolist() == [0, 0]


def test_the_other_carriageway_hands_over_the_other_way() -> None:
    found = neighbours_of(signals_of(ROW, [0, 1, 2]), [-1, 0, 1, 2, 3], within_db=1.0)
    assert list(zip(found.source.tolist(), found.cell.tolist(), strict=True)) == [(1, 0)]
    assert found.handovers.tolist() == [[0, 1]]


def test_a_bin_without_signal_hands_nothing_over() -> None:
    found = neighbours_of(signals_of([{0: -80.0}, {}, {1: -80.0}], [0, 1]), [1, 2, -1])
    assert len(found) == 0
    assert found.start.tolist() == [0, 0, 0]


def test_symmetric_lists_hold_every_relation_both_ways() -> None:
    found = neighbours_of(signals_of(ROW, [0, 1, 2]), [-1, 0, 1, 2, 3], within_db=1.0, symmetric=True)
    assert list(zip(found.source.tolist(), found.cell.tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert found.bins.tolist() == [0, 0]
    assert found.of(0).tolist() == [1]
    assert found.of(2).tolist() == []


@pytest.mark.parametrize("seed", range(8))
def test_counts_equal_a_plain_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = 7
    levels = [
        {int(c): float(-rng.integers(70, 100)) + 0.001 * int(c) for c in rng.permutation(cells)[: rng.integers(0, 5)]}
        for _ in range(60)
    ]
    following = [number + 1 if number % 20 != 19 else -1 for number in range(30)] + [
        number - 1 if number % 10 else -1 for number in range(30, 60)
    ]
    close: Counter[tuple[int, int]] = Counter()
    taken: Counter[tuple[int, int, bool]] = Counter()
    for number, heard in enumerate(levels):
        if not heard:
            continue
        best = max(heard, key=heard.__getitem__)
        close.update((best, c) for c in heard if c != best and heard[best] - heard[c] <= 6.0)
        after = levels[following[number]] if following[number] >= 0 else {}
        if after and max(after, key=after.__getitem__) != best:
            taken[best, max(after, key=after.__getitem__), following[number] < number] += 1
    found = neighbours_of(signals_of(levels, list(range(cells))), following)
    pairs = list(zip(found.source.tolist(), found.cell.tolist(), strict=True))
    assert set(pairs) == set(close) | {(a, b) for a, b, _ in taken}
    assert len(set(pairs)) == len(pairs)
    for row, (a, b) in enumerate(pairs):
        assert found.bins[row] == close[a, b]
        assert found.handovers[row].tolist() == [taken[a, b, False], taken[a, b, True]]
    for cell in range(cells):
        rows = slice(int(found.start[cell]), int(found.start[cell + 1]))
        keys = list(zip(-found.handovers[rows].sum(axis=1), -found.bins[rows], found.cell[rows], strict=True))
        assert keys == sorted(keys)


def test_carriageways_are_driven_in_their_own_sense_and_holes_end_them() -> None:
    road = drawn_road(100.0, holes=[(40.0, 50.0)])
    points = points_of(road)
    bins = bins_of(road, [])
    following = next_bins(points, bins)
    measure = points.measure_m[bins.start]
    falling = points.carriageway[bins.start] == points.carriageways.index("decreasing")
    ends = {(False, 30.0), (False, 90.0), (True, 0.0), (True, 50.0)}
    for number, after in enumerate(following.tolist()):
        if after < 0:
            assert (bool(falling[number]), float(measure[number])) in ends
        else:
            assert measure[after] - measure[number] == (-10.0 if falling[number] else 10.0)
            assert falling[after] == falling[number]
    assert (following < 0).sum() == len(ends)


def test_lists_as_a_table() -> None:
    found = neighbours_of(signals_of([{0: -80.0, 1: -82.0, 2: -81.0}, {0: -80.0, 2: -81.0}], [0, 1, 2]), [1, -1])
    table = neighbours_layer(found, ["S-01-A", "S-02-A", "S-03-A"], SCHEMAS["neighbours"])
    assert [list(row.values()) for row in table.rows()] == [
        ["S-01-A", "S-03-A", 1, 2, 0, 0],
        ["S-01-A", "S-02-A", 2, 1, 0, 0],
    ]
