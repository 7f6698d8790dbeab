"""Findings: what an import had to leave out, repair or assume, told with names and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trassa.linear import Layer
from trassa.road.layers import SCHEMAS
from trassa.road.line import Line

__all__ = ["Note", "findings_layer", "findings_rows"]


@dataclass(frozen=True)
class Note:
    """One finding. Its place is known by measure, or by points on the ground, or not at all (empty)."""

    kind: str
    detail: str
    severity: Literal["note", "warning"] = "note"
    start_m: float = float("nan")
    end_m: float = float("nan")
    points: tuple[tuple[float, float], ...] = ()


def findings_layer(notes: Iterable[Note], reference: Line, corridor_m: float) -> Layer:
    """The ``findings`` layer in order of measure; places known by points are projected on the reference line.

    A point farther than ``corridor_m`` from the line, or past its ends, is off the road: its measure is NaN.
    """
    placed = [_placed(note, reference, corridor_m) for note in notes]
    placed.sort(key=lambda note: (np.isnan(note.start_m), note.start_m, note.kind, note.detail))
    return Layer.from_rows(SCHEMAS["findings"], findings_rows(placed))


def findings_rows(notes: Iterable[Note]) -> list[dict[str, int | float | str | bool]]:
    """Notes as rows of the ``findings`` layer, by their measure."""
    return [
        {"start_m": n.start_m, "end_m": n.end_m, "kind": n.kind, "severity": n.severity, "detail": n.detail}
        for n in notes
    ]


def _placed(note: Note, reference: Line, corridor_m: float) -> Note:
    if not note.points or np.isfinite(note.start_m):
        return note
    latitude, longitude = np.array(note.points).T
    feet = reference.project(latitude, longitude)
    near = np.abs(feet.offset_m) <= corridor_m
    if not near.any():
        return note
    measure = feet.measure_m[near]
    return Note(note.kind, note.detail, note.severity, float(measure.min()), float(measure.max()), note.points)
