"""The algebra of extents against brute force over whole metres."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.linear import Extent, intersected, merged, subtracted, total_length_m

extents = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: Extent(float(p[0]), float(p[0] + p[1]))), max_size=6
)


def metres(found: list[Extent]) -> set[int]:
    return {metre for extent in found for metre in range(int(extent.start_m), int(extent.end_m))}


@given(extents, extents)
def test_union_intersection_difference_metre_by_metre(first: list[Extent], second: list[Extent]) -> None:
    assert metres(merged([*first, *second])) == metres(first) | metres(second)
    assert metres(intersected(first, second)) == metres(first) & metres(second)
    assert metres(subtracted(first, second)) == metres(first) - metres(second)
    assert total_length_m(first) == len(metres(first))


@given(extents)
def test_merged_extents_are_disjoint_and_apart(found: list[Extent]) -> None:
    union = merged(found)
    assert all(a.end_m < b.start_m for a, b in itertools.pairwise(union))


def test_the_end_does_not_belong_to_an_extent() -> None:
    extent = Extent(10.0, 20.0)
    assert extent.contains(10.0)
    assert not extent.contains(20.0)
    assert not extent.overlaps(Extent(20.0, 30.0))


def test_an_extent_has_length() -> None:
    with pytest.raises(InputError, match="is not before"):
        Extent(5.0, 5.0)
