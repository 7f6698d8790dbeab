"""What drives through the planned field meet, as rows of text: handovers one by one, trips by speed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trassa.linear import ARROWS, Layer
from trassa.plan.amounts import figure_text
from trassa.plan.report.tables import MOST_ROWS
from trassa.road.model import Road

__all__ = ["handover_rows", "trip_rows"]

Row = dict[str, Any]


def handover_rows(road: Road, handovers: Layer) -> Row:
    """The interruptions of a drive without shadowing in the order a driver meets them, and sentences about them."""
    rows = [
        {
            "place": f"{road.text(row['measure_m'])} {ARROWS[row['carriageway']]}",
            "event": row["event"],
            "from_cell": row["from_cell"] or "none",
            "to_cell": row["to_cell"] or "none",
            "interruption": f"{figure_text(row['interruption_ms'])} ms",
            "bad": row["event"] != "handover",
        }
        for row in _rows(handovers)
    ]
    return {"rows": rows[:MOST_ROWS], "more": max(len(rows) - MOST_ROWS, 0), "sentences": _sentences(road, handovers)}


def _sentences(road: Road, handovers: Layer) -> list[str]:
    said = []
    for way in road.carriageways:
        mine = handovers.where(carriageway=way)
        good = int(np.count_nonzero(mine["event"] == "handover"))
        told = f"{ARROWS[way]} {good} handover{'s' if good != 1 else ''}"
        if good:
            told += f", one every {figure_text(road.length_m / 1000.0 / good, 1)} km"
        bad = len(mine) - good
        told += f", {bad} failed or lost beside the load of the other cells" if bad else ", none failed"
        if len(mine):
            longest = int(np.argmax(mine["interruption_ms"]))
            where = road.text(float(mine["measure_m"][longest]))
            told += f"; interrupted for {figure_text(float(mine['interruption_ms'].sum()))} ms altogether, "
            told += f"at most {figure_text(float(mine['interruption_ms'][longest]))} ms at {where}"
        said.append(told)
    return said


def trip_rows(trips: Layer) -> list[Row]:
    """Trips by carriageway and speed, those with shadowing last of each carriageway; equal neighbours are one row."""
    rows: list[Row] = []
    for row in _rows(trips):
        drawn, kmh = row["kind"] == "drawn", f"{row['speed_kmh']:g}"
        shown = {
            "way": ARROWS[row["carriageway"]],
            "drawn": drawn,
            "kind": f"{row['trips']} with shadowing" if drawn else "without shadowing",
            **{name: _mean(row[name]) for name in _MEANS},
            **{name: f"{figure_text(row[name], 2)} s" for name in _TIMES},
        }
        if rows and {key: rows[-1][key] for key in shown} == shown:
            rows[-1]["speed"] = f"{rows[-1]['first']}–{kmh} km/h"
        else:
            rows.append(shown | {"first": kmh, "speed": f"{kmh} km/h"})
    return rows


def _rows(layer: Layer) -> Iterator[Row]:
    return (dict(row) for row in layer.rows())


_MEANS = ("handovers", "failed_handovers", "link_failures", "ping_pongs")
_TIMES = ("outage_s", "longest_outage_s", "outage_95_s")


def _mean(value: float) -> str:
    return figure_text(value, 0 if value.is_integer() else 2)
