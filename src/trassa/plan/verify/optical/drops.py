"""The branches to what is connected, measured again; the fibres of their cables followed from splice to splice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.trees import branch_rows
from trassa.plan.verify.verdict import Row

__all__ = ["check_drops", "drop_route_m"]

_AT_M = 1e-3
_LENGTH_M = 0.5
_SPARE = {"side": "", "cable_fibre": 0, "to": "", "equipment": "", "end": "coiled"}
_COLOURS = {
    "tia-598": "blue orange green brown grey white red black yellow violet pink turquoise",
    "din-vde-0888": "red green blue yellow white grey brown violet turquoise black orange pink",
}


def drop_route_m(cable: Cable, row: Mapping[str, Any], tap_m: float, rules: OpticalSettings) -> float:
    """Route from the tap along the trench to abreast of a connection, then across to it.

    On the trench's side the two distances from the carriageway's axis differ by the way; on the other side the crossing
    ends as far from the road as the trench lies.
    """
    along_m = abs(cable.route_m(float(row["measure_m"])) - cable.route_m(tap_m))
    from_trench_m = abs(float(row["offset_m"])) - rules.verge_offset_m
    if row["carriageway"] == cable.carriageway:
        return along_m + abs(from_trench_m)
    return along_m + rules.crossing_m + (from_trench_m if from_trench_m > 0.0 else 0.0)


@dataclass(frozen=True)
class _Way:
    """What a connection's light meets first on one side of its tap, over which transceivers, on which fibres of the
    cable: on none where that is ``at_tap`` too. At a splitter it has no side but a ``port``."""

    side: str
    far: str
    optics: str
    fibres: tuple[int, ...]
    at_tap: bool
    port: int = 0


def check_drops(evidence: Evidence, plant: Plant) -> Row:
    """The cable of every drop: its size, lengths, closure; every fibre of it at both ends; what the closure splices."""
    layers = evidence.layers
    due = {str(row["connection"]): row for row in layers["connections"].rows() if row["access"]}
    cables = {name: list(layers["drop_cables"].where(connection=name).rows()) for name in due}
    wrong = [f"{name} has {len(rows)} drop cables" for name, rows in cables.items() if len(rows) != 1]
    strays = {str(name) for name in layers["drop_cables"]["connection"]} | set(layers["drop_fibres"]["connection"])
    strays |= {str(to).removeprefix("drop ") for to in layers["splices"]["to"] if str(to).startswith("drop ")}
    wrong += [f"a drop leads to {name}, which is not connected" for name in sorted(strays - set(due))]
    for name, rows in cables.items():
        cable = plant.at(str(rows[0]["cable"]), float(due[name]["tap_m"])) if len(rows) == 1 else None
        if cable is None:
            wrong += [f"the drop to {name} taps no cable"] if len(rows) == 1 else []
            continue
        ways = _on_tree(evidence, due[name]) or _ways(evidence, due[name], cable)
        wrong += [f"the drop to {name}: {fault}" for fault in _faults(evidence, due[name], rows[0], cable, ways)]
    total_m = float(layers["drop_cables"]["sheath_m"].sum())
    said = "; ".join(wrong[:3]) or f"{len(due)} drops, {total_m:.0f} m of cable, every fibre led to both ends"
    return Row("optical.drops", "", None, "", not wrong, None, said)


def _faults(
    evidence: Evidence, due: Mapping[str, Any], row: Mapping[str, Any], cable: Cable, ways: tuple[_Way, ...]
) -> Iterator[str]:
    rules, tap_m = evidence.settings.optical, float(due["tap_m"])
    used = len(_lit(ways))
    sizes = [size for size in rules.drop_fibres if size >= math.ceil(round(used * (1.0 + rules.growth_ratio), 9))]
    route_m = drop_route_m(cable, due, tap_m, rules)
    sheath_m = route_m * (1.0 + rules.slack_ratio) + rules.closure_loop_m / 2.0 + rules.termination_loop_m
    found: dict[str, Any] = {
        "carriageway": due["carriageway"],
        "closure": _closure(evidence, cable, tap_m),
        "fibres": min(sizes, default=0),
        "in_use": used,
        "crosses": due["carriageway"] != cable.carriageway,
    }
    yield from _differing("", row, found)
    lengths = {
        "measure_m": (tap_m, _AT_M),
        "route_m": (route_m, _LENGTH_M),
        "sheath_m": (sheath_m, _LENGTH_M),
        "fibre_m": (sheath_m / rules.helix_ratio, _LENGTH_M),
    }
    for key, (value, bound) in lengths.items():
        if not abs(float(row[key]) - value) <= bound:
            yield f"{key} {float(row[key]):.1f} m stated, found {value:.1f} m"
    yield from _fibre_faults(evidence, due, int(row["fibres"]), ways)
    splices, name = evidence.layers["splices"], str(due["connection"])
    if found["closure"] not in set(evidence.layers["huts"]["hut"].tolist()):
        yield from _splice_faults(splices, name, tap_m, found["closure"], ways)
    elif len(splices.where(to=f"drop {name}")):
        yield "spliced in a closure, though it begins in a hut"


def _lit(ways: tuple[_Way, ...]) -> list[dict[str, Any]]:
    """What stands of each fibre in use, in their order."""
    return [
        {"side": way.side, "cable_fibre": fibre, "to": way.far, "equipment": way.optics, "end": "patched"}
        for way in ways
        for fibre in way.fibres
    ]


def _fibre_faults(evidence: Evidence, due: Mapping[str, Any], fibres: int, ways: tuple[_Way, ...]) -> Iterator[str]:
    rules = evidence.settings.optical
    rows = list(evidence.layers["drop_fibres"].where(connection=due["connection"]).rows())
    if sorted(int(row["fibre"]) for row in rows) != list(range(1, fibres + 1)):
        yield f"{len(rows)} fibres told of {fibres}, or one twice"
        return
    lit = _lit(ways)
    for row in rows:
        number = int(row["fibre"])
        tube = 1 + (number - 1) // rules.tube_fibres
        colours = {
            "tube": tube,
            "tube_colour": _colour(tube, rules.colour_code),
            "fibre_colour": _colour(number - (tube - 1) * rules.tube_fibres, rules.colour_code),
        }
        told = {**colours, **(lit[number - 1] if number <= len(lit) else _SPARE)}
        yield from _differing(f"fibre {number}: ", row, told)


def _splice_faults(splices: Layer, name: str, tap_m: float, closure: str, ways: tuple[_Way, ...]) -> Iterator[str]:
    """What is led into a drop in its closure: from the cable or the drop before on one side, from the cable behind; or
    from the splitter alone."""
    count = len(ways[0].fibres)
    runs: dict[str, tuple[int, int]] = {}
    for number, way in enumerate(ways):
        if not way.at_tap:
            runs[way.side] = (way.fibres[0] if way.fibres else 0, 1 + number * count)
        elif way.port:
            runs[way.far.replace("splitter", "outputs")] = (way.port, 1)
        elif way.side == "before":
            runs[f"drop {way.far}"] = (1 + count, 1)
    rows = {str(row["side"]): row for row in splices.where(to=f"drop {name}").rows()}
    if set(rows) != set(runs) or len(rows) != len(splices.where(to=f"drop {name}")):
        yield f"spliced from {', '.join(sorted(rows)) or 'nowhere'}, due from {', '.join(sorted(runs))}"
        return
    for side, (first, to_first) in runs.items():
        told = {"closure": closure, "first": first, "last": first + count - 1, "splices": count}
        told |= {"to_first": to_first, "to_last": to_first + count - 1}
        row = rows[side]
        yield from _differing(f"splices from {side}: ", row, told)
        if not abs(float(row["measure_m"]) - tap_m) <= _AT_M:
            yield f"spliced at {float(row['measure_m']):.1f} m, the tap is at {tap_m:.1f} m"


def _differing(what: str, row: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[str]:
    for key, value in told.items():
        if row[key] != value:
            yield f"{what}{key} {row[key]!r} stated, found {value!r}"


def _ways(evidence: Evidence, due: Mapping[str, Any], cable: Cable) -> tuple[_Way, _Way]:
    """Both ways out of a connection's drop, from its links or the segments of its ring."""
    layers, name, access, tap_m = evidence.layers, str(due["connection"]), str(due["access"]), float(due["tap_m"])
    hut_m = {str(row["hut"]): float(row["measure_m"]) for row in layers["huts"].rows()}
    if access == "own fibres":
        links = sorted(layers["links"].where(site=name).rows(), key=lambda row: hut_m.get(str(row["hut"]), math.inf))
        ends, use = [(str(link["hut"]), str(link["optics"])) for link in links], name
    else:
        segments, use = layers["ring_segments"].where(ring=access), access
        ends = [(str(row["first"]), str(row["optics"])) for row in segments.where(second=name).rows()]
        ends += [(str(row["second"]), str(row["optics"])) for row in segments.where(first=name).rows()]
    if len(ends) != 2:
        return _Way("before", "", "", (), False), _Way("behind", "", "", (), False)
    mine = layers["fibres"].where(cable=cable.name, use=use)
    mine = mine.take((mine["start_m"] <= tap_m + _AT_M) & (mine["end_m"] >= tap_m - _AT_M))
    numbers = tuple(sorted(int(fibre) for fibre in mine["fibre"]))
    fibres_of = {optics.name: optics.fibres for optics in evidence.settings.optical.transceivers}
    taps_m = {str(row["connection"]): float(row["tap_m"]) for row in layers["connections"].rows()}
    ways = []
    for side, (far, optics) in zip(("before", "behind"), ends, strict=True):
        count, at_tap = fibres_of.get(optics, 0), abs({**taps_m, **hut_m}.get(far, math.inf) - tap_m) <= _AT_M
        taken = (0,) * count if at_tap else numbers if len(numbers) == count else (-1,) * count
        ways.append(_Way(side, far, optics, taken, at_tap))
    return ways[0], ways[1]


def _on_tree(evidence: Evidence, due: Mapping[str, Any]) -> tuple[_Way, ...]:
    """The one way out of a drop of a tree, to its splitter; none for other drops."""
    branches = [
        row for row in branch_rows(evidence.layers, str(due["access"])) if row["connection"] == due["connection"]
    ]
    if not branches:
        return ()
    splitter_m, tap_m = float(branches[0]["splitter_m"]), float(due["tap_m"])
    here, fibre = abs(splitter_m - tap_m) <= _AT_M, int(branches[0]["cable_fibre"])
    side = "" if here else "behind" if tap_m < splitter_m else "before"
    port = int(branches[0]["port"]) if here else 0
    return (_Way(side, f"splitter of {due['access']}", str(branches[0]["optics"]), (fibre,), here, port),)


def _closure(evidence: Evidence, cable: Cable, tap_m: float) -> str:
    """The closure of a cable with a tap at a measure, or the hut that stands there."""
    for row in evidence.layers["huts"].rows():
        if abs(float(row["measure_m"]) - tap_m) <= _AT_M:
            return str(row["hut"])
    for row in evidence.layers["closures"].where(cable=cable.name).rows():
        if abs(float(row["measure_m"]) - tap_m) <= _AT_M and "tap" in str(row["kind"]):
            return str(row["closure"])
    return ""


def _colour(number: int, code: str) -> str:
    names = _COLOURS[code].split()
    rings = (number - 1) // len(names)
    plural = "s" if rings > 1 else ""
    return names[(number - 1) % len(names)] + (f" with {rings} ring{plural}" if rings else "")
