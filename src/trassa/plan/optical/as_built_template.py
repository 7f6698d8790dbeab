"""The plant of a plan as a list to be filled in by who builds it: the list that ``optical.as_built`` reads."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trassa.linear import LabelNotFound, Layer, Position
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["as_built_template"]

_MEASURED = ("splice_loss_db", "attenuation_1310_db_per_km", "attenuation_1550_db_per_km")
_MARKS = ("sheath_mark_m", "mark_in_m", "mark_out_m")
_HEAD = ("section", "item", "name", "cable", "position", "loop_m", *_MARKS, *_MEASURED)
_Row = Mapping[str, Any]


def as_built_template(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> str:
    """CSV with semicolons: every chamber, hut, joint and tap, one section from hut to hut.

    Loops are those of the plan; marks and measured values are empty where none was read yet. Positions are labels, to
    the metre. Cables of which different values are known have a row each.
    """
    known: dict[tuple[str, str], list[_Row]] = {}
    for row in layers["as_built"].rows():
        known.setdefault((str(row["name"]), str(row["cable"])), []).append(row)
    huts = {float(row["measure_m"]): str(row["hut"]) for row in layers["huts"].rows()}
    found = io.StringIO()
    table = csv.writer(found, delimiter=";", lineterminator="\n")
    table.writerow(_HEAD)
    spans = {(float(row["start_m"]), float(row["end_m"])): None for row in layers["spans"].rows()}
    for start_m, end_m in spans:
        section = f"{huts[start_m]} to {huts[end_m]}"
        for at_m, item, name, cables in _items(layers, start_m, end_m):
            alike: dict[tuple[str, ...], list[str]] = {}
            for cable in cables.split(","):
                rows = known.get((name, cable.split(".")[0]), [])
                loop_m = _said(rows, "loop_m") if rows else _planned_loop_m(item, rules)
                measured = ["" if at_m == end_m else _number(_said(rows, column), 4) for column in _MEASURED]
                alike.setdefault((_number(loop_m), *_marks(rows), *measured), []).append(cable)
            for cells, those in alike.items():
                table.writerow((section, item, name, ",".join(those), _label(road, at_m), *cells))
    return found.getvalue()


def _said(rows: Sequence[_Row], column: str) -> float:
    """What the first row says that says anything; a joint or hut in which sections meet has a row in each."""
    return next((value for value in (float(row[column]) for row in rows) if value == value), math.nan)


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


def _marks(rows: Sequence[_Row]) -> tuple[str, str, str]:
    come, go = _said(rows, "mark_in_m"), _said(rows[::-1], "mark_out_m")
    if math.isnan(come) and math.isnan(go):
        return ("", "", "")
    return (_number(come), "", "") if come == go else ("", _number(come), _number(go))


def _number(value: float, digits: int = 2) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}".rstrip("0").rstrip(".")
