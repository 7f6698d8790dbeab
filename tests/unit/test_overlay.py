"""Overlay against brute force, metre by metre."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.linear import Column, Extent, Layer, Schema, overlay

LENGTH_M = 60
SPANS = Schema(
    "spans",
    "extent",
    "",
    (
        Column("start_m", "float", "m", ""),
        Column("end_m", "float", "m", ""),
        Column("value", "int", "", ""),
    ),
)
POINTS = Schema("points", "position", "", (Column("measure_m", "float", "m", ""), Column("name", "text", "", "")))
LIMITS = Schema("limits", "extent", "", (*SPANS.columns[:2], Column("kmh", "float", "km/h", "")))

spans = st.lists(st.tuples(st.integers(-5, LENGTH_M + 5), st.integers(1, 25), st.integers(0, 3)), max_size=8)
points = st.lists(st.integers(-5, LENGTH_M + 5), max_size=8)


def span_layer(rows: list[tuple[int, int, int]]) -> Layer:
    return Layer.from_rows(SPANS, [{"start_m": s, "end_m": s + n, "value": v} for s, n, v in rows])


@given(spans, spans, points)
def test_rows_that_hold_on_each_metre(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]], marks: list[int]
) -> None:
    named = Layer.from_rows(POINTS, [{"measure_m": m, "name": str(m)} for m in marks])
    result = overlay({"a": span_layer(first), "b": span_layer(second), "p": named}, Extent(0.0, LENGTH_M))
    assert result.breaks_m[0] == 0.0
    assert result.breaks_m[-1] == LENGTH_M
    assert np.all(np.diff(result.breaks_m) > 0)
    for metre in range(LENGTH_M):
        index = int(np.searchsorted(result.breaks_m, metre, side="right")) - 1
        for name, rows in (("a", first), ("b", second)):
            expected = [i for i, (s, n, _) in enumerate(rows) if s <= metre < s + n]
            assert result.rows(name, index).tolist() == expected
    for index in range(len(result)):
        inside = [i for i, m in enumerate(marks) if result.extent(index).contains(m)]
        assert result.rows("p", index).tolist() == inside


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=1, max_size=9), spans)
def test_segments_are_the_longest_stretches_of_equal_values(
    runs: list[tuple[int, int]], extra: list[tuple[int, int, int]]
) -> None:
    """``runs`` tile the road with values 0–2, where 0 is left out; ``extra`` only adds breaks."""
    rows, truth = [], []
    for length, value in runs:
        if value:
            rows.append((len(truth), length, value))
        truth += [value] * length
    result = overlay({"a": span_layer(rows), "x": span_layer(extra)}, Extent(0.0, len(truth)))
    segments = result.segments([("a", "value")])
    read = [segment.values[0] or 0 for segment in segments for _ in range(int(segment.extent.length_m))]
    assert read == truth
    assert all(a.values != b.values for a, b in itertools.pairwise(segments))


def test_unknown_values_are_one_stretch() -> None:
    rows = [(0, 10, 130.0), (10, 20, math.nan), (20, 30, math.nan), (30, 40, 130.0)]
    limits = Layer.from_rows(LIMITS, [{"start_m": s, "end_m": e, "kmh": v} for s, e, v in rows])
    segments = overlay({"limits": limits}, Extent(0.0, 50.0)).segments([("limits", "kmh")])
    assert [(s.extent.start_m, s.extent.end_m) for s in segments] == [(0, 10), (10, 30), (30, 40), (40, 50)]
    assert segments[-1].values == (None,)


def test_two_rows_at_once_are_refused_where_one_is_wanted() -> None:
    result = overlay({"a": span_layer([(0, 20, 1), (10, 20, 2)])}, Extent(0.0, 40.0))
    with pytest.raises(InputError, match=r"two rows of a hold on measure 10–20 m"):
        result.only("a")


def test_a_table_has_no_place_on_the_road() -> None:
    table = Layer.from_rows(Schema("prices", "table", "", (Column("name", "text", "", ""),)), [])
    with pytest.raises(InputError, match="not located"):
        overlay({"prices": table}, Extent(0.0, 1.0))
