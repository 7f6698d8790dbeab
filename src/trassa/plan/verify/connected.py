"""What hangs on the line, asked of the inputs again; rings and service classes judged again."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.linear import KmLabel, Position
from trassa.plan.verify.cable import Plant
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.line import Network, Outcome
from trassa.plan.verify.verdict import Row

__all__ = ["check_connections", "check_rings", "check_services"]

_AT_M = 0.5
_TOLERANCE_DB = 0.02
_TOLERANCE_US = 0.5
_SITE, _GANTRY = "radio site", "gantry"
_Known = Mapping[str, tuple[str, float]]


def check_connections(evidence: Evidence, plant: Plant) -> Row:
    """Every radio site, toll point and listed piece of equipment is a connection, where it stands; and nothing else."""
    due = {**_sites(evidence), **_toll_points(evidence), **_listed(evidence)}
    rows = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
    wrong = [f"{name}, a {due[name][0]}, is not connected" for name in due if name not in rows]
    wrong += [f"{name} is a connection of nothing" for name in rows if name not in due]
    for name, row in rows.items():
        if name not in due or not str(row["access"]):
            continue
        service, measure_m = due[name]
        if row["service"] != service or abs(float(row["measure_m"]) - measure_m) > _AT_M:
            wrong.append(f"{name} is a {service} at {evidence.place(measure_m)}, not as stated")
        drop_m = _drop_m(evidence, plant, row)
        if not abs(drop_m - float(row["drop_m"])) <= _AT_M:
            wrong.append(f"drop of {name} stated {float(row['drop_m']):.1f} m, found {drop_m:.1f} m")
    own = set(evidence.layers["links"]["site"].tolist())
    ringed = {name for ring in evidence.layers["ring_segments"].rows() for name in (ring["first"], ring["second"])}
    for name, row in rows.items():
        access = str(row["access"])
        if access and (name not in own if access == "own fibres" else name not in ringed):
            wrong.append(f"{name} hangs on {access}, but on no link")
    said = "; ".join(wrong[:3]) or f"{len(rows)} connections, each where it stands"
    return Row("optical.connections", "", None, "", not wrong, None, said)


def _drop_m(evidence: Evidence, plant: Plant, row: Mapping[str, Any]) -> float:
    cables = [cable for cable in plant.cables if plant.at(cable.name, float(row["tap_m"])) is cable]
    if not cables:
        return float("nan")
    along_m = abs(cables[0].route_m(float(row["measure_m"])) - cables[0].route_m(float(row["tap_m"])))
    crossing_m = evidence.settings.optical.crossing_m if row["carriageway"] != cables[0].carriageway else 0.0
    return along_m + abs(float(row["offset_m"])) + crossing_m


def _sites(evidence: Evidence) -> _Known:
    sites = evidence.layers["sites"]
    return {str(row["site"]): (_SITE, float(row["measure_m"])) for row in sites.rows()}


def _toll_points(evidence: Evidence) -> _Known:
    """Toll points on the main line of this road, from the tariff files as they are written."""
    if _GANTRY not in [service.name for service in evidence.settings.optical.services]:
        return {}
    found: dict[str, tuple[str, float]] = {}
    for name in evidence.settings.toll.systems:
        path = evidence.root / "inputs" / name if name.endswith(".toml") else None
        text = (path or files("trassa.toll").joinpath("tariffs", f"{name}.toml")).read_text("utf-8-sig")
        for point in tomllib.loads(text).get("toll_point", ()):
            if point.get("at", "main line") != "main line" or "km" not in point:
                continue
            sides = point.get("carriageways", ["increasing", "decreasing"])
            if not set(sides) & set(evidence.carriageways):
                continue
            try:
                measure_m = evidence.calibration.measure(KmLabel.from_decimal(float(point["km"])))
            except InputError:  # another road's kilometre
                continue
            if 0.0 <= measure_m <= float(evidence.proof.road["length_m"]):
                found[str(point["id"])] = (_GANTRY, measure_m)
    return found


def _listed(evidence: Evidence) -> _Known:
    name = evidence.settings.optical.equipment_list
    if not name:
        return {}
    text = evidence.inputs([name])[0].read_text("utf-8-sig")
    dialect = csv.Sniffer().sniff(text.split("\n", 1)[0], delimiters=",;\t")
    rows = csv.reader(text.splitlines(), dialect)
    header = [field.strip() for field in next(rows)]
    at = [header.index(column) for column in ("name", "service", "position")]
    found: dict[str, tuple[str, float]] = {}
    for row in rows:
        if row:
            label, service, position = (row[column].strip() for column in at)
            measure_m = evidence.calibration.measure(Position.parse(position, road=evidence.ref).label)
            found[label] = (service, measure_m)
    return found


def check_rings(evidence: Evidence, network: Network) -> list[Row]:
    """Every segment of every ring measured again; the row of the claim, none where no ring is planned."""
    table = evidence.layers["ring_segments"]
    claim = next((claim for claim in evidence.proof.claims if claim.id == "optical.rings"), None)
    if not len(table) and claim is None:
        return []
    if claim is None or not len(table):
        return [Row("optical.rings", "", None, "dB", False, None, "rings without a claim, or a claim without rings")]
    wrong = []
    for ring in network.rings:
        rows = table.where(ring=ring.name)
        ends = [end for end in ring.huts if end not in network.huts]
        wrong += [f"{ring.name} ends in {end}, which is no hut" for end in ends]
        members, most = len(ring.members), evidence.settings.optical.ring_members
        wrong += [f"{ring.name} has {members} members, {most} at most"] if members > most else []
        for what, found, unit, bound in (
            ("fibre", ring.fibre_m, "m", _AT_M),
            ("loss", ring.loss_db, "dB", _TOLERANCE_DB),
            ("margin", ring.margin_db, "dB", _TOLERANCE_DB),
        ):
            stated = rows[f"{what}_{unit.lower()}"]
            wrong += [
                f"{what} of {first}–{second} stated {a:.2f} {unit}, found {b:.2f} {unit}"
                for first, second, a, b in zip(rows["first"], rows["second"], stated, found, strict=True)
                if not abs(a - b) <= bound
            ]
    margins = [margin for ring in network.rings for margin in ring.margin_db]
    least = min(margins)
    holds = verdict(not least >= 0.0, estimate_reasons(evidence))
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    if claim.worst.margin is None or not abs(claim.worst.margin - least) <= _TOLERANCE_DB:
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {least:.2f} dB")
    said = "; ".join(wrong[:3]) or f"{len(margins)} segments of {len(network.rings)} rings"
    return [Row("optical.rings", "", least, "dB", not wrong, holds, said)]


def check_services(evidence: Evidence, network: Network) -> list[Row]:
    """Every service class that has connections, with every stored cut made again."""
    connections = evidence.layers["connections"]
    present = dict.fromkeys(connections["service"].tolist())
    claimed = [c.id for c in evidence.proof.claims if c.id.startswith("optical.service.")]
    rows = [_service(evidence, network, str(name)) for name in present]
    unknown = [name for name in claimed if name not in {row.claim for row in rows}]
    return rows + [Row(name, "", None, "", False, None, "no such service is connected") for name in unknown]


def _service(evidence: Evidence, network: Network, name: str) -> Row:
    claim_id, rules = f"optical.service.{name.replace(' ', '-')}", evidence.settings.optical
    claim = next((claim for claim in evidence.proof.claims if claim.id == claim_id), None)
    if claim is None:
        return Row(claim_id, "", None, "", False, None, "not claimed")
    ours = evidence.layers["connections"].where(service=name)
    lost = int((ours["access"] == "").sum())
    among = set(ours["connection"].tolist())
    outcomes = [network.outcome(_cut(row), among=among) for row in evidence.layers["cuts"].rows()]
    stranded = sum(len(outcome.stranded) for outcome in outcomes)
    longest = rules.helix_ratio / rules.helix_ratio_low
    worst_us = float(np.fmax.reduce([o.worst_latency_us for o in outcomes], initial=np.nan)) * longest
    bound_us = next((service.latency_us for service in rules.services if service.name == name), None)
    late = bound_us is not None and not worst_us <= bound_us
    holds = verdict(bool(stranded or lost or late), estimate_reasons(evidence))
    wrong = [f"the proof says {claim.holds}"] if claim.holds != holds else []
    stated = claim.worst.value if claim.worst.value is not None else float("nan")
    found = float(stranded) if stranded else worst_us
    if not (abs(stated - found) <= _TOLERANCE_US or (np.isnan(stated) and np.isnan(found))):
        wrong.append(f"worst stated {claim.worst.value}, found {found:.1f}")
    wrong += _row_off(evidence, name, outcomes)
    told = f"{len(ours)} connections, {len(outcomes)} cuts, {stranded} pairs stranded, worst {worst_us:.1f} µs"
    margin = -float(stranded) if stranded else (bound_us - worst_us if bound_us is not None else None)
    unit = "pairs" if stranded else "µs"
    return Row(claim_id, "", margin, unit, not wrong, holds, "; ".join([*wrong[:3], told]))


def _cut(row: Mapping[str, Any]) -> tuple[float, float, frozenset[str]]:
    falls = frozenset(name.strip() for name in str(row["cables"]).split(","))
    return float(row["start_m"]), float(row["end_m"]), falls


def _row_off(evidence: Evidence, name: str, outcomes: list[Outcome]) -> list[str]:
    rows = list(evidence.layers["services"].where(service=name).rows())
    if len(rows) != 1:
        return [f"{len(rows)} rows tell of {name}"]
    found_us = float(np.fmax.reduce([o.worst_latency_us for o in outcomes], initial=np.nan))
    stated_us = float(rows[0]["worst_latency_us"])
    apart = np.isnan(found_us) != np.isnan(stated_us) or abs(found_us - stated_us) > _TOLERANCE_US
    wrong = [f"{name}: {stated_us:.1f} µs stated, found {found_us:.1f}"] if apart else []
    pairs = sum(len(outcome.stranded) for outcome in outcomes)
    return wrong + (
        [f"{name}: {rows[0]['pairs_stranded']} pairs stated, found {pairs}"]
        if rows[0]["pairs_stranded"] != pairs
        else []
    )
