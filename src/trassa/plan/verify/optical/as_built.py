"""What the project lists as built against what the plan says stands there: every item, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from trassa.linear import Layer
from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.as_built_list import ListedItem, ListedPlace, listed_items, listed_places
from trassa.plan.verify.optical.cable import Plant
from trassa.plan.verify.verdict import Row

__all__ = ["check_as_built"]

_ID = "optical.as-built"
_PLACE_M, _FAR_M = 5.0, 0.55
_AT_M = 0.5
_BOUNDS = {
    "measure_m": _AT_M,
    **dict.fromkeys(("loop_m", "mark_in_m", "mark_out_m"), 1e-3),
    **dict.fromkeys(("splice_loss_db", "attenuation_1310_db_per_km", "attenuation_1550_db_per_km"), 1e-9),
}
_BUILT, _PLANNED = "as built", "planned"
_Values = Mapping[str, int | float | str | bool]


def check_as_built(evidence: Evidence, plant: Plant) -> list[Row]:
    """One row: the list as it is read here, item by item; none where the project lists nothing and the plan says so."""
    items = listed_items(evidence)
    layers = {name: evidence.layers[name] for name in ("as_built", "chambers", "closures", "huts", "reels")}
    if not items and not len(layers["as_built"]):
        stray = [f"{name} has a row as built" for name, layer in layers.items() if _has_built(layer)]
        stray += ["the proof claims what nobody listed"] if _claim(evidence) else []
        return [Row(_ID, "", None, "", False, None, "; ".join(stray[:3]))] if stray else []
    wrong = _rows_off(items, layers["as_built"])
    wrong += _huts_off(items, layers["huts"])
    for cable in plant.cables:
        ends = (cable.start_m, cable.end_m)
        for section, places in listed_places(items, cable.name).items():
            inside = [p for p in places if ends[0] - _AT_M <= p.measure_m <= ends[1] + _AT_M]
            if inside:
                wrong += _section_off(evidence, section, inside, cable.name)
    wrong += _origins_off(items, plant, layers)
    return [_judged(evidence, items, wrong)]


def _claim(evidence: Evidence) -> Claim | None:
    return next((claim for claim in evidence.proof.claims if claim.id == _ID), None)


def _judged(evidence: Evidence, items: Sequence[ListedItem], wrong: list[str]) -> Row:
    """The claim against the farthest that the plan has any item from where the list has it."""
    claim = _claim(evidence)
    where: dict[str, list[float]] = {}
    for what in ("chamber", "closure", "hut"):
        for row in evidence.layers[f"{what}s"].rows():
            where.setdefault(str(row[what]), []).append(float(row["measure_m"]))
    off = {i.name: max((abs(at - i.measure_m) for at in where.get(i.name, ())), default=math.inf) for i in items}
    worst_m = max((away_m for away_m in off.values() if math.isfinite(away_m)), default=math.nan)
    holds = verdict(any(not away_m <= _PLACE_M for away_m in off.values()), estimate_reasons(evidence))
    said = f"{len(items)} items of {len({(item.section, item.cable) for item in items})} sections"
    if claim is None:
        wrong.append("not claimed")
    else:
        if claim.holds != holds:
            wrong.insert(0, f"the proof says {claim.holds}")
        if claim.scope.text != said:
            wrong.append(f"speaks of «{claim.scope.text}», found «{said}»")
        stated = math.nan if claim.worst.value is None else claim.worst.value
        if not (abs(stated - worst_m) <= _FAR_M or (math.isnan(stated) and math.isnan(worst_m))):
            wrong.append(f"states {claim.worst.value} m off the list, found {worst_m:.1f} m")
        if claim.worst.bound != _PLACE_M:
            wrong.append(f"is bound by {claim.worst.bound} m, one place is {_PLACE_M:g} m wide")
        if not any(
            claim.worst.place.startswith(f"{name} at ") and away_m >= worst_m - _FAR_M for name, away_m in off.items()
        ):
            wrong.append(f"has its worst place at «{claim.worst.place}»")
    more = f"; {len(wrong) - 3} more" if len(wrong) > 3 else ""
    detail = "; ".join(wrong[:3]) + more or f"{said}, each where it is listed and nothing between"
    margin_m = None if math.isnan(worst_m) else _PLACE_M - worst_m
    return Row(_ID, claim.worst.place if claim else "", margin_m, "m", not wrong, holds, detail)


def _has_built(layer: Layer) -> bool:
    return "origin" in layer.columns and bool((layer["origin"] != _PLANNED).any())


def _rows_off(items: Sequence[ListedItem], layer: Layer) -> list[str]:
    """The layer says of every item what the list says."""
    stated = {(str(row["name"]), str(row["cable"]), str(row["section"])): row for row in layer.rows()}
    due = {(item.name, item.cable, item.section): item for item in items}
    wrong = [
        f"layer as_built lacks {name} on {cable}"
        for name, cable, section in due
        if (name, cable, section) not in stated
    ]
    wrong += [
        f"layer as_built has {name} on {cable}, which the list has not"
        for name, cable, s in stated
        if (name, cable, s) not in due
    ]
    if len(layer) != len(items):
        wrong.append(f"layer as_built has {len(layer)} rows, the list {len(items)}")
    for key, item in due.items():
        row = stated.get(key)
        if row is None:
            continue
        if row["item"] != item.item:
            wrong.append(f"{item.name} is a {row['item']} in the layer, a {item.item} in the list")
        for column, bound in _BOUNDS.items():
            a, b = float(row[column]), float(getattr(item, column))
            if not (abs(a - b) <= bound or (math.isnan(a) and math.isnan(b))):
                wrong.append(f"{column} of {item.name} stated {a:.7g}, listed {b:.7g}")
    return wrong


def _huts_off(items: Sequence[ListedItem], layer: Layer) -> list[str]:
    """Every listed hut is a hut of the plan, by its name at its place."""
    rows, wrong = {str(row["hut"]): row for row in layer.rows()}, []
    for item in {item.name: item for item in items if item.item == "hut"}.values():
        row = rows.get(item.name)
        if row is None:
            wrong.append(f"hut {item.name} is not in the plan")
        elif not abs(float(row["measure_m"]) - item.measure_m) <= _AT_M:
            wrong.append(f"hut {item.name} stands at {row['measure_m']:.1f} m, listed at {item.measure_m:.1f} m")
        elif row["power"] != "built":
            wrong.append(f"power of hut {item.name} is {row['power']!r}, though it is built")
    return wrong


def _section_off(evidence: Evidence, section: str, places: Sequence[ListedPlace], cable: str) -> list[str]:
    """On one cable: what is listed stands by its name, and nothing stands between the places."""
    start_m, end_m = places[0].measure_m - _AT_M, places[-1].measure_m + _AT_M
    chambers = [r for r in _between(evidence.layers["chambers"], start_m, end_m) if cable in str(r["cable"]).split(",")]
    closures = [r for r in _between(evidence.layers["closures"], start_m, end_m) if r["cable"] == cable]
    wrong: list[str] = []
    for place in places:
        wrong += _place_off(evidence, place, chambers, closures)
    for what, rows in (("chamber", chambers), ("closure", closures)):
        for row in rows:
            if _at(places, float(row["measure_m"])) is None:
                where = evidence.place(float(row["measure_m"]))
                wrong.append(f"{what} {row[what]} at {where} stands in section {section}, which does not list it")
    listed = {place.names.get("hut") for place in places}
    for row in _between(evidence.layers["huts"], start_m, end_m):
        if row["hut"] not in listed:
            wrong.append(f"hut {row['hut']} stands in section {section}, which does not list it")
    for row in _between(evidence.layers["reels"], start_m, end_m, "start_m"):
        ends = (float(row["start_m"]), float(row["end_m"]))
        met = [_at(places, at) for at in ends]
        inside = ends[0] < end_m - 2.0 * _AT_M and row["cable"] == cable
        if inside and not all(place is not None and place.ends_reel for place in met):
            wrong.append(f"reel {row['reel']} does not end in a joint or hut of section {section}")
    return wrong


def _place_off(
    evidence: Evidence, place: ListedPlace, chambers: Sequence[_Values], closures: Sequence[_Values]
) -> list[str]:
    """One listed place: its chamber, and its joint or tap in it; a drop's own tap may stand where none is listed."""
    where, wrong = evidence.place(place.measure_m), []
    here = [row for row in chambers if abs(float(row["measure_m"]) - place.measure_m) <= _AT_M]
    if len(here) != 1:
        return [f"{len(here)} chambers at {where}, where {', '.join(place.names.values())} is listed"]
    if "chamber" in place.names and here[0]["chamber"] != place.names["chamber"]:
        wrong.append(f"chamber {here[0]['chamber']} stands at {where}, listed as {place.names['chamber']}")
    if here[0]["origin"] != _BUILT:
        wrong.append(f"chamber {here[0]['chamber']} is {here[0]['origin']}, though it is listed")
    closed = [row for row in closures if abs(float(row["measure_m"]) - place.measure_m) <= _AT_M]
    name = place.names.get("joint", place.names.get("tap", ""))
    if name and [row["closure"] for row in closed] != [name]:
        return [*wrong, f"closures {[row['closure'] for row in closed]} at {where}, listed {name}"]
    for row in closed:
        if ("joint" in str(row["kind"])) != ("joint" in place.names):
            wrong.append(f"closure {row['closure']} is a {row['kind']}, listed as {', '.join(place.names)}")
        if row["chamber"] != here[0]["chamber"]:
            wrong.append(f"closure {row['closure']} lies in {row['chamber']}, listed in {here[0]['chamber']}")
        if (row["origin"] == _BUILT) != bool(name):
            wrong.append(f"closure {row['closure']} is {row['origin']}")
    return wrong


def _origins_off(items: Sequence[ListedItem], plant: Plant, layers: Mapping[str, Layer]) -> list[str]:
    """What is not listed is planned, and bears no listed name."""
    names, huts = {item.name for item in items}, {item.name for item in items if item.item == "hut"}
    wrong: list[str] = []
    for what in ("chamber", "closure", "hut"):
        for row in layers[f"{what}s"].rows():
            name, at_m = str(row[what]), float(row["measure_m"])
            if what == "hut":
                built = name in huts
            else:
                built = any(c.built_over(at_m, at_m) for c in plant.cables if c.name in str(row["cable"]).split(","))
            if row["origin"] not in (_BUILT, _PLANNED) or (row["origin"] == _BUILT and not built):
                wrong.append(f"{what} {name} is {row['origin']}, but is not listed")
            if row["origin"] != _BUILT and name in names:
                wrong.append(f"{what} {name} is {row['origin']}, but bears a listed name")
    for row in layers["reels"].rows():
        start_m, end_m = float(row["start_m"]), float(row["end_m"])
        cable = plant.at(str(row["cable"]), start_m)
        due = _BUILT if cable is not None and cable.built_over(start_m, end_m) else _PLANNED
        if row["origin"] != due:
            wrong.append(f"reel {row['reel']} is {row['origin']}, {due} by the list")
    return wrong


def _between(
    layer: Layer, start_m: float, end_m: float, column: str = "measure_m"
) -> list[dict[str, int | float | str | bool]]:
    return list(layer.take((layer[column] >= start_m) & (layer[column] <= end_m)).rows())


def _at(places: Sequence[ListedPlace], measure_m: float) -> ListedPlace | None:
    return next((place for place in places if abs(place.measure_m - measure_m) <= _AT_M), None)
