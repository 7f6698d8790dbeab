"""Ducts, entries into huts and crossings under the road, laid out again and compared with the layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.verdict import Row

__all__ = ["check_ducts"]

_AT_M = 1e-3
_ROUTE_TOLERANCE_M = 0.5
_Place = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class _Trench:
    """A trench with the cables that lie in it, the first one's line its own."""

    name: str
    cables: tuple[Cable, ...]

    @property
    def line(self) -> Cable:
        return self.cables[0]

    def passes(self, measure_m: float) -> bool:
        return self.line.start_m - _AT_M <= measure_m <= self.line.end_m + _AT_M


def check_ducts(evidence: Evidence, plant: Plant) -> Row:
    """Every metre of each trench is in one extent of each duct, of the kind that the road is there; cables, lengths,
    entries and crossings are those that the line needs, and no others."""
    rules, ducts = evidence.settings.optical, evidence.layers["ducts"]
    trenches = _trenches(plant)
    wrong: list[str] = []
    due: set[tuple[str, str]] = set()
    for trench in trenches:
        for number in range(rules.ducts):
            name = f"D-{number + 1}"
            due.add((trench.name, name))
            rows = ducts.where(trench=trench.name, duct=name)
            inside = ",".join(cable.name for cable in trench.cables[number :: rules.ducts]) or "reserve"
            wrong += [f"{trench.name} {name}: {fault}" for fault in _duct_faults(evidence, trench.line, rows, inside)]
    strange = {*zip(ducts["trench"].tolist(), ducts["duct"].tolist(), strict=True)} - due
    wrong += [f"{trench} {name} is no duct of this line" for trench, name in sorted(strange)]
    wrong += _apart("entry", evidence.layers["hut_entries"], _entries(evidence, trenches), ("trench", "hut"))
    wrong += _apart("crossing", evidence.layers["crossings"], _crossings(evidence, trenches), ("trench", "name"))
    counts = f"{len(evidence.layers['hut_entries'])} entries, {len(evidence.layers['crossings'])} crossings"
    laid_m = sum(trench.line.route_m(trench.line.end_m) for trench in trenches)
    told = f"{rules.ducts} ducts in {laid_m / 1000:.2f} km of trench as laid again, {counts}"
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return Row("optical.ducts", "", None, "", not wrong, None, "; ".join(wrong[:3]) + more or told)


def _trenches(plant: Plant) -> list[_Trench]:
    """Cables of one part on one side of the road share a trench; T-1 is the first cable's."""
    parts: dict[tuple[float, float], list[Cable]] = {}
    for cable in plant.cables:
        parts.setdefault((cable.start_m, cable.end_m), []).append(cable)
    trenches = []
    for cables in parts.values():
        suffix = "." + cables[0].name.split(".", 1)[1] if "." in cables[0].name else ""
        near = tuple(cable for cable in cables if cable.carriageway == cables[0].carriageway)
        far = tuple(cable for cable in cables if cable.carriageway != cables[0].carriageway)
        trenches += [_Trench(f"T-{n}{suffix}", group) for n, group in ((1, near), (2, far)) if group]
    return trenches


def _duct_faults(evidence: Evidence, line: Cable, rows: Layer, inside: str) -> Iterator[str]:
    """What is wrong with the extents of one duct."""
    here = line.start_m
    for row in sorted(rows.rows(), key=lambda row: float(row["start_m"])):
        start, end, way = float(row["start_m"]), float(row["end_m"]), str(row["way"])
        if not start < end:
            yield f"an extent from {start} m to {end} m"
            return
        if abs(start - here) > _AT_M:
            fault = "in no extent" if start > here else "in two extents"
            yield f"{abs(start - here):.1f} m at {evidence.place(min(start, here))} {fault}"
        here = end
        place = evidence.place(start)
        if row["carriageway"] != line.carriageway or row["microducts"] != evidence.settings.optical.microducts:
            yield f"at {place} on another side, or with other microducts, than planned"
        if row["cable"] != inside:
            yield f"at {place} holds {row['cable']}, not {inside}"
        due = _kinds(evidence.layers["structures"].where(carriageway=line.carriageway), start, end)
        if due != {way}:
            yield f"at {place} runs on a {way}, the road on {' and '.join(sorted(due)) or 'nothing'}"
        route = line.route_m(end) - line.route_m(start)
        if not abs(route - float(row["route_m"])) <= _ROUTE_TOLERANCE_M:
            yield f"at {place} {float(row['route_m']):.1f} m long, found {route:.1f} m"
    if abs(line.end_m - here) > _AT_M:
        yield f"{abs(line.end_m - here):.1f} m at {evidence.place(min(line.end_m, here))} in no extent"


def _kinds(structures: Layer, start_m: float, end_m: float) -> set[str]:
    """What the road runs on between two measures, asked between all ends of structures."""
    solid = structures.take(np.isin(structures["kind"].astype(str), ["bridge", "tunnel"]))
    ends = {*solid["start_m"].tolist(), *solid["end_m"].tolist(), start_m, end_m}
    marks = sorted(mark for mark in ends if start_m <= mark <= end_m)
    found = set()
    for before, behind in pairwise(marks):
        middle = (before + behind) / 2.0
        over = solid["kind"][(solid["start_m"] < middle) & (middle < solid["end_m"])].tolist()
        if behind - before > _AT_M:
            found.add("tunnel" if "tunnel" in over else "bridge" if over else "verge")
    return found


def _entries(evidence: Evidence, trenches: list[_Trench]) -> list[_Place]:
    rules = evidence.settings.optical
    return [
        {
            "trench": trench.name,
            "hut": str(hut["hut"]),
            "measure_m": float(hut["measure_m"]),
            "carriageway": str(hut["carriageway"]),
            "ducts": rules.ducts,
            "route_m": rules.hut_entry_m,
        }
        for trench in trenches
        for hut in evidence.layers["huts"].rows()
        if trench.passes(float(hut["measure_m"]))
    ]


def _crossings(evidence: Evidence, trenches: list[_Trench]) -> list[_Place]:
    """For what is connected from the first cable's trench across the road, and for trenches across it into huts."""
    due: list[_Place] = []
    length: _Place = {"route_m": evidence.settings.optical.crossing_m}
    for trench in trenches:
        side = trench.line.carriageway
        if trench.name.startswith("T-1"):
            for row in evidence.layers["connections"].rows():
                at, to = float(row["tap_m"]), str(row["carriageway"])
                if row["access"] and to != side and trench.passes(at):
                    ends: _Place = {"carriageway": side, "to_carriageway": to, "measure_m": at}
                    name: _Place = {"trench": trench.name, "purpose": "connection", "name": str(row["connection"])}
                    due.append({**name, **ends, **length})
        for hut in evidence.layers["huts"].rows():
            at, to = float(hut["measure_m"]), str(hut["carriageway"])
            if to != side and trench.passes(at):
                ends = {"carriageway": side, "to_carriageway": to, "measure_m": at}
                name = {"trench": trench.name, "purpose": "hut", "name": str(hut["hut"])}
                due.append({**name, **ends, **length})
    return due


def _apart(what: str, layer: Layer, due: list[_Place], key: tuple[str, str]) -> list[str]:
    """Rows that are missing, too many, or not as due."""

    def named(row: Mapping[str, object]) -> str:
        return f"{what} {row[key[0]]} {row[key[1]]}"

    stated = Counter(named(row) for row in layer.rows())
    needed = {named(row): row for row in due}
    wrong = [f"{name} is missing" for name in needed if name not in stated]
    wrong += [f"{name} is needed by nothing" for name in stated if name not in needed]
    wrong += [f"{name} stands {count} times" for name, count in stated.items() if count > 1]
    for row in layer.rows():
        for column, value in needed.get(named(row), {}).items():
            same = abs(float(row[column]) - value) <= _AT_M if isinstance(value, float) else row[column] == value
            if not same:
                wrong.append(f"{named(row)}: {column} stated {row[column]}, found {value}")
    return wrong
