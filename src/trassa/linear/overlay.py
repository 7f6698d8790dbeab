"""Overlay: which rows of several layers hold on each elementary extent of a road (dynamic segmentation).

::

    lanes     [2=======)[3=========)
    limit     [130=========)  [100=)
    overlay   |        |   |  |    |     between two bars nothing changes

ISO 19148 calls this segmentation of linearly located attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.linear.extent import Extent
from trassa.linear.layer import Layer, Value

__all__ = ["Overlay", "Segment", "overlay"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Segment:
    """A longest extent on which chosen columns keep their values; None where the layer has no row."""

    extent: Extent
    values: tuple[Value | None, ...]


@dataclass(frozen=True)
class Overlay:
    """Elementary extents ``[breaks_m[i], breaks_m[i+1])`` and the rows of each layer that hold on them.

    ``breaks_m`` has shape (n + 1,). ``held[name]`` is a pair (start, row): the rows of layer ``name`` on extent i are
    ``row[start[i]:start[i+1]]``, in rising order. Rows located by position lie in the extent that contains them and
    break nothing.
    """

    layers: Mapping[str, Layer]
    breaks_m: npt.NDArray[np.float64]
    held: Mapping[str, tuple[IntArray, IntArray]]

    def __len__(self) -> int:
        return len(self.breaks_m) - 1

    def extent(self, index: int) -> Extent:
        """The elementary extent of that index."""
        return Extent(float(self.breaks_m[index]), float(self.breaks_m[index + 1]))

    def rows(self, layer: str, index: int) -> IntArray:
        """The rows of a layer that hold on one elementary extent."""
        start, row = self.held[layer]
        return row[start[index] : start[index + 1]]

    def only(self, layer: str) -> IntArray:
        """The one row of a layer on each elementary extent, shape (n,); −1 where there is none.

        :class:`InputError` where two rows hold at once: choose a carriageway first.
        """
        start, row = self.held[layer]
        count = np.diff(start)
        if np.any(count > 1):
            at = self.extent(int(np.argmax(count > 1)))
            raise InputError(
                f"overlay: two rows of {layer} hold on measure {at.start_m:g}–{at.end_m:g} m",
                cure="one carriageway at a time: layer.where(carriageway=…)",
            )
        only = np.full(len(self), -1, dtype=np.int64)
        only[count == 1] = row[start[:-1][count == 1]]
        return only

    def segments(self, columns: Sequence[tuple[str, str]]) -> list[Segment]:
        """The longest extents on which every ``(layer, column)`` keeps its value, in order of measure."""
        rows = [self.only(layer) for layer, _ in columns]
        tables = [self.layers[layer][column].tolist() for layer, column in columns]
        found: list[Segment] = []
        for index in range(len(self)):
            values = tuple(
                table[row[index]] if row[index] >= 0 else None for table, row in zip(tables, rows, strict=True)
            )
            extent = self.extent(index)
            if found and _same(found[-1].values, values):
                found[-1] = Segment(Extent(found[-1].extent.start_m, extent.end_m), values)
            else:
                found.append(Segment(extent, values))
        return found


def overlay(layers: Mapping[str, Layer], within: Extent) -> Overlay:
    """Overlay layers located by extent or position; what lies outside ``within`` is cut off."""
    breaks = [np.array([within.start_m, within.end_m])]
    for name, layer in layers.items():
        if layer.schema.located_by == "table":
            raise InputError(f"overlay: layer {name} is not located on the road")
        if layer.schema.located_by == "extent":
            breaks += [layer["start_m"], layer["end_m"]]
    joined = np.unique(np.concatenate(breaks))
    breaks_m = joined[(joined >= within.start_m) & (joined <= within.end_m)]
    return Overlay(dict(layers), breaks_m, {name: _held(layer, breaks_m) for name, layer in layers.items()})


def _held(layer: Layer, breaks_m: npt.NDArray[np.float64]) -> tuple[IntArray, IntArray]:
    extents = len(breaks_m) - 1
    if layer.schema.located_by == "extent":
        first = np.clip(np.searchsorted(breaks_m, layer["start_m"]), 0, extents)
        last = np.clip(np.searchsorted(breaks_m, layer["end_m"]), 0, extents)
        known = np.isfinite(layer["start_m"]) & np.isfinite(layer["end_m"])
        count = np.where(known, np.maximum(last - first, 0), 0)
    else:
        first = np.searchsorted(breaks_m, layer["measure_m"], side="right") - 1
        count = ((first >= 0) & (first < extents) & np.isfinite(layer["measure_m"])).astype(np.int64)
    row = np.repeat(np.arange(len(layer)), count)
    where = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
    order = np.argsort(where, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(where, minlength=extents))])
    return start.astype(np.int64), row[order].astype(np.int64)


def _same(first: tuple[Value | None, ...], second: tuple[Value | None, ...]) -> bool:
    """Equality in which NaN equals NaN: two unknowns are one stretch."""
    return all(a == b or (a != a and b != b) for a, b in zip(first, second, strict=True))
