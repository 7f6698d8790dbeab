"""Geometry for layers: where their rows lie on the road, as well-known binary."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway, KmLabel, Layer
from trassa.road.alignment import Alignment
from trassa.road.model import Road

__all__ = ["km_texts", "line_geometries", "point_geometries"]

FloatArray = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]

_POINT, _LINE_M = 1, 2002  # ISO 13249-3 codes; little-endian headers


def point_geometries(layer: Layer, road: Road) -> Objects:
    """One WKB point (longitude, latitude) per row of a position layer; None where the row has no place.

    A row's own latitude and longitude come first; without them it stands on its carriageway's line at its measure.
    """
    longitude, latitude = _along(layer, road, layer["measure_m"])
    if {"latitude_deg", "longitude_deg"} <= layer.columns.keys():
        own = np.isfinite(layer["latitude_deg"]) & np.isfinite(layer["longitude_deg"])
        latitude = np.where(own, layer["latitude_deg"], latitude)
        longitude = np.where(own, layer["longitude_deg"], longitude)
    record = np.zeros(len(layer), np.dtype([("order", "<u1"), ("type", "<u4"), ("place", "<f8", 2)]))
    record["order"], record["type"] = 1, _POINT
    record["place"][:, 0], record["place"][:, 1] = longitude, latitude
    return _cut(record.tobytes(), np.full(len(layer), record.itemsize), np.isfinite(longitude) & np.isfinite(latitude))


def line_geometries(layer: Layer, road: Road) -> Objects:
    """One WKB line with M = measure per row of an extent layer, along its carriageway; None where it has no place.

    The vertices are the extent's two ends and every alignment point between them.
    """
    geometries = np.full(len(layer), None, dtype=np.object_)
    lines = _line_of_rows(layer, road)
    for name, line in road.alignments.items():
        chosen = np.flatnonzero(lines == name)
        geometries[chosen] = _lines_along(line, layer["start_m"][chosen], layer["end_m"][chosen])
    return geometries


def km_texts(layer: Layer, road: Road) -> Objects:
    """``км 258+350`` for each position, ``км 258+350–259+000`` for each extent, empty where there is no measure."""
    if layer.schema.located_by == "position":
        return _as_objects(_label_texts(road, layer["measure_m"]))
    starts, ends = _label_texts(road, layer["start_m"]), _label_texts(road, layer["end_m"])
    word = _km_word(road) + " "
    texts = [f"{s}–{e.removeprefix(word)}" if s and e else s or e for s, e in zip(starts, ends, strict=True)]
    return _as_objects(texts)


def _line_of_rows(layer: Layer, road: Road) -> npt.NDArray[np.str_]:
    fallback: Carriageway = road.reference if road.reference in road.alignments else road.carriageways[0]
    if "carriageway" not in layer.columns:
        return np.full(len(layer), fallback)
    named = layer["carriageway"].astype(np.str_)
    return np.where(np.isin(named, list(road.alignments)), named, fallback)


def _along(layer: Layer, road: Road, measure_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    longitude, latitude = np.full(len(layer), np.nan), np.full(len(layer), np.nan)
    lines = _line_of_rows(layer, road)
    for name, line in road.alignments.items():
        chosen = lines == name
        longitude[chosen] = np.interp(measure_m[chosen], line.measure_m, line.longitude_deg)
        latitude[chosen] = np.interp(measure_m[chosen], line.measure_m, line.latitude_deg)
    return longitude, latitude


def _lines_along(line: Alignment, start_m: FloatArray, end_m: FloatArray) -> Objects:
    """All lines as one ragged run of vertices, written at once and then cut: a road has 140,000 bins."""
    known = np.isfinite(start_m) & np.isfinite(end_m)
    start, end = np.where(known, start_m, 0.0), np.where(known, end_m, 0.0)
    first = np.searchsorted(line.measure_m, start, side="right")
    inner = np.maximum(np.searchsorted(line.measure_m, end, side="left") - first, 0)
    count = inner + 2
    offset = np.concatenate([[0], np.cumsum(count)])
    nth = np.arange(offset[-1]) - np.repeat(offset[:-1], count)
    at = np.clip(np.repeat(first, count) + nth - 1, 0, len(line) - 1)
    measure = line.measure_m[at]
    measure[offset[:-1]], measure[offset[1:] - 1] = start, end
    vertices = np.empty((offset[-1], 3))
    vertices[:, 0] = np.interp(measure, line.measure_m, line.longitude_deg)
    vertices[:, 1] = np.interp(measure, line.measure_m, line.latitude_deg)
    vertices[:, 2] = measure
    whole = np.logical_and.reduceat(np.isfinite(vertices).all(axis=1), offset[:-1]) if len(start) else known
    return _line_wkb(vertices, count, known & whole)


def _line_wkb(vertices: FloatArray, count: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> Objects:
    header = np.zeros(len(count), np.dtype([("order", "<u1"), ("type", "<u4"), ("points", "<u4")]))
    header["order"], header["type"], header["points"] = 1, _LINE_M, count
    size = header.itemsize + 24 * count
    begin = np.concatenate([[0], np.cumsum(size)])
    buffer = np.zeros(begin[-1], np.uint8)
    head_at = begin[:-1, None] + np.arange(header.itemsize)
    buffer[head_at.ravel()] = header.view(np.uint8)
    body = np.ones(len(buffer), bool)
    body[head_at.ravel()] = False
    buffer[body] = vertices.astype("<f8").reshape(-1).view(np.uint8)
    return _cut(buffer.tobytes(), size, known)


def _cut(buffer: bytes, size: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]) -> Objects:
    end = np.cumsum(size)
    pieces = zip((end - size).tolist(), end.tolist(), known.tolist(), strict=True)
    return _as_objects([buffer[a:b] if keep else None for a, b, keep in pieces])


def _label_texts(road: Road, measure_m: FloatArray) -> list[str]:
    """``road.calibration.text`` of many measures at once; empty where the measure is unknown."""
    known = np.isfinite(measure_m)
    metres = np.zeros(len(measure_m), np.int64)
    metres[known] = np.floor(road.calibration.km(measure_m[known]) * 1000.0 + 0.5).astype(np.int64)
    word = _km_word(road)
    return [f"{word} {m // 1000}+{m % 1000:03d}" if k else "" for m, k in zip(metres.tolist(), known, strict=True)]


def _km_word(road: Road) -> str:
    return KmLabel(0).format(road.calibration.script).split()[0]


def _as_objects(values: list[Any]) -> Objects:
    objects = np.empty(len(values), dtype=np.object_)
    objects[:] = values
    return objects
