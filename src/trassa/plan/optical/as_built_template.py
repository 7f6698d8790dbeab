"""The plant of a plan as a list to be filled in by who builds it: the list that ``optical.as_built`` reads."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

from trassa.linear import LabelNotFound, Layer, Position
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["as_built_template"]

_HEAD = ("section", "item", "name", "cable", "position", "loop_m", "sheath_mark_m", "mark_in_m", "mark_out_m")
_Row = Mapping[str, Any]


def as_built_template(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> str:
    """CSV with semicolons: every chamber, hut, joint and tap, one section from hut to hut.

    Loops are those of the plan; marks are empty where none was read yet. Positions are labels, to the metre.
    """
    by_name = {str(row["name"]): row for row in layers["as_built"].rows()}
    huts = {float(row["measure_m"]): str(row["hut"]) for row in layers["huts"].rows()}
    found = io.StringIO()
    table = csv.writer(found, delimiter=";", lineterminator="\n")
    table.writerow(_HEAD)
    spans = {(float(row["start_m"]), float(row["end_m"])): None for row in layers["spans"].rows()}
    for start_m, end_m in spans:
        section = f"{huts[start_m]} to {huts[end_m]}"
        for at_m, item, name, cables in _items(layers, start_m, end_m):
            known = by_name.get(name)
            loop_m = float(known["loop_m"]) if known else _planned_loop_m(item, rules)
            place = (section, item, name, cables, _label(road, at_m))
            table.writerow((*place, _number(loop_m), *_marks(known)))
    return found.getvalue()


def _items(layers: Mapping[str, Layer], start_m: float, end_m: float) -> Iterator[tuple[float, str, str, str]]:
    """Measure, item, name and cables of all that stands from one hut to the next, both included, in order."""
    whole = layers["cables"]
    through = whole.take((whole["start_m"] <= start_m) & (whole["end_m"] >= end_m))
    cables = ",".join(through["cable"].tolist())
    chambers, huts, closures = (_between(layers[name], start_m, end_m) for name in ("chambers", "huts", "closures"))
    found = [(row["measure_m"], 0, "chamber", row["chamber"], row["cable"]) for row in chambers]
    found += [(row["measure_m"], 1, "hut", row["hut"], cables) for row in huts]
    found += [
        (row["measure_m"], 1, "joint" if "joint" in row["kind"] else "tap", row["closure"], row["cable"])
        for row in closures
    ]
    for at_m, _, item, name, carried in sorted(found):
        yield at_m, item, name, carried


def _between(layer: Layer, start_m: float, end_m: float) -> Iterator[_Row]:
    return layer.take((layer["measure_m"] >= start_m) & (layer["measure_m"] <= end_m)).rows()


def _label(road: Road, at_m: float) -> str:
    """To the metre; the last metre of a road that ends in the midst of it is the whole one before."""
    text = road.calibration.text(at_m)
    try:
        road.calibration.measure(Position.parse(text, road=road.ref).label)
    except LabelNotFound:
        inwards_m = 0.5 if at_m < road.length_m / 2.0 else -0.5
        return road.calibration.text(at_m + inwards_m)
    return text


def _planned_loop_m(item: str, rules: OpticalSettings) -> float:
    return {"hut": rules.termination_loop_m, "joint": rules.closure_loop_m, "tap": rules.closure_loop_m}.get(
        item, math.nan
    )


def _marks(known: _Row | None) -> tuple[str, str, str]:
    if known is None:
        return ("", "", "")
    come, go = float(known["mark_in_m"]), float(known["mark_out_m"])
    return (_number(come), "", "") if come == go else ("", _number(come), _number(go))


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}".rstrip("0").rstrip(".")
