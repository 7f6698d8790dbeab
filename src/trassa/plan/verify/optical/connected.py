"""What hangs on the line, asked of the inputs again; rings and service classes judged again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trassa.linear import Position
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.drops import drop_route_m
from trassa.plan.verify.optical.line import Network, Outcome
from trassa.plan.verify.optical.toll_points import Stand, toll_stands
from trassa.plan.verify.optical.trees import branch_rows
from trassa.plan.verify.verdict import Row

__all__ = ["check_connections", "check_rings", "check_services"]

_AT_M = 0.5
_TOLERANCE_DB = 0.02
_TOLERANCE_US = 0.5
_OFFSET_M = 1.0
_SITE, _GANTRY = "radio site", "gantry"
_LISTED_M = 10.0
"""How far from the carriageway a list means where it says nothing."""
_Known = Mapping[str, tuple[str, Stand]]


def check_connections(evidence: Evidence, plant: Plant) -> Row:
    """Every radio site, toll point and listed piece of equipment is a connection, where it stands; and nothing else."""
    due = {**_sites(evidence), **_toll_points(evidence), **_listed(evidence)}
    rows = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
    wrong = [f"{name}, a {due[name][0]}, is not connected" for name in due if name not in rows]
    wrong += [f"{name} is a connection of nothing" for name in rows if name not in due]
    if len(rows) < len(evidence.layers["connections"]):
        wrong.append("a connection stands twice")
    wrong += _hung(evidence, rows)
    for name, row in rows.items():
        if name not in due:
            continue
        wrong += _misplaced(evidence, due[name], row)
        if not str(row["access"]):
            near_m = min((_beyond_m(cable, float(row["measure_m"])) for cable in plant.cables), default=np.inf)
            if near_m <= evidence.settings.optical.stray_limit_m:
                wrong.append(f"{name} is not connected, a cable passes {near_m:.0f} m from it")
            continue
        drop_m = _drop_m(evidence, plant, row)
        if not abs(drop_m - float(row["drop_m"])) <= _AT_M:
            wrong.append(f"drop of {name} stated {float(row['drop_m']):.1f} m, found {drop_m:.1f} m")
    said = "; ".join(wrong[:3]) or f"{len(rows)} connections, each where it stands"
    return Row("optical.connections", "", None, "", not wrong, None, said)


def _hung(evidence: Evidence, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Connections that hang on something else than their class asks for, or on nothing."""
    own, segments = set(evidence.layers["links"]["site"].tolist()), evidence.layers["ring_segments"]
    asked = {service.name: service.access for service in evidence.settings.optical.services}
    for name, row in rows.items():
        access, kind = str(row["access"]), asked.get(str(row["service"]), "")
        if not access:
            continue
        ring, branches = segments.where(ring=access), branch_rows(evidence.layers, access)
        hung = {*ring["first"], *ring["second"]} if kind == "ring" else {row["connection"] for row in branches}
        if (access == "own fibres") != (kind == "own fibres"):
            yield f"{name} hangs on {access}, a {row['service']} asks for {kind}"
        elif name not in own if access == "own fibres" else name not in hung:
            yield f"{name} hangs on {access}, but on no link"


def _misplaced(evidence: Evidence, due: tuple[str, Stand], row: Mapping[str, Any]) -> list[str]:
    """What a row tells of the kind and the place of a connection, against what is due."""
    name, (service, (measure_m, side, offset_m)) = row["connection"], due
    if row["service"] != service or not abs(float(row["measure_m"]) - measure_m) <= _AT_M:
        return [f"{name} is a {service} at {evidence.place(measure_m)}, not as stated"]
    stated_m = abs(float(row["offset_m"]))
    if row["carriageway"] != side or not abs(stated_m - offset_m) <= _OFFSET_M:
        told = f"{stated_m:.1f} m off the {row['carriageway']} carriageway"
        return [f"{name} stands {offset_m:.1f} m off the {side} carriageway, stated {told}"]
    return []


def _beyond_m(cable: Cable, measure_m: float) -> float:
    return max(cable.start_m - measure_m, measure_m - cable.end_m, 0.0)


def _drop_m(evidence: Evidence, plant: Plant, row: Mapping[str, Any]) -> float:
    tap_m = float(row["tap_m"])
    cables = [cable for cable in plant.cables if plant.at(cable.name, tap_m) is cable]
    return drop_route_m(cables[0], row, tap_m, evidence.settings.optical) if cables else float("nan")


def _sites(evidence: Evidence) -> _Known:
    rows = evidence.layers["sites"].rows()
    stands = {str(r["site"]): (float(r["measure_m"]), str(r["carriageway"]), abs(float(r["offset_m"]))) for r in rows}
    return {name: (_SITE, stand) for name, stand in stands.items()}


def _toll_points(evidence: Evidence) -> _Known:
    if _GANTRY not in [service.name for service in evidence.settings.optical.services]:
        return {}
    return {name: (_GANTRY, stand) for name, stand in toll_stands(evidence).items()}


def _listed(evidence: Evidence) -> _Known:
    name = evidence.settings.optical.equipment_list
    if not name:
        return {}
    text = evidence.inputs([name])[0].read_text("utf-8-sig")
    dialect = csv.Sniffer().sniff(text.split("\n", 1)[0], delimiters=",;\t")
    rows = csv.reader(text.splitlines(), dialect)
    header = [field.strip().lower() for field in next(rows)]
    at = [header.index(column) for column in ("name", "service", "position")]
    off = header.index("offset_m") if "offset_m" in header else None
    found: dict[str, tuple[str, Stand]] = {}
    for row in rows:
        if any(field.strip() for field in row):
            label, service, written = (row[column].strip() for column in at)
            position = Position.parse(written, road=evidence.ref)
            side = position.carriageway or str(evidence.proof.road["reference"])
            offset = row[off].strip().replace(",", ".") if off is not None else ""
            stand = (evidence.calibration.measure(position.label), side, abs(float(offset)) if offset else _LISTED_M)
            found[label] = (service, stand)
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
    outcomes = [network.outcome(cut_of(row), among=among) for row in evidence.layers["cuts"].rows()]
    stranded = sum(len(outcome.stranded) for outcome in outcomes)
    parted = sum(len(network.parted(cut_of(row)) & among) for row in evidence.layers["cuts"].rows())
    longest = rules.helix_ratio / rules.helix_ratio_low
    worst_us = float(np.fmax.reduce([o.worst_latency_us for o in outcomes], initial=np.nan)) * longest
    bound_us = next((service.latency_us for service in rules.services if service.name == name), None)
    late = bound_us is not None and not worst_us <= bound_us
    beyond = any(outcome.worst_margin_db < 0.0 for outcome in outcomes)
    holds = verdict(bool(stranded - parted or lost or late or beyond), estimate_reasons(evidence))
    wrong = [f"the proof says {claim.holds}"] if claim.holds != holds else []
    stated = claim.worst.value if claim.worst.value is not None else float("nan")
    found = float(stranded) if stranded else worst_us
    if not (abs(stated - found) <= _TOLERANCE_US or (np.isnan(stated) and np.isnan(found))):
        wrong.append(f"worst stated {claim.worst.value}, found {found:.1f}")
    wrong += _row_off(evidence, name, outcomes)
    told = f"{len(ours)} connections, {len(outcomes)} cuts, {stranded} pairs stranded, worst {worst_us:.1f} µs"
    margin = float(parted - stranded) if stranded else (bound_us - worst_us if bound_us is not None else None)
    unit = "pairs" if stranded else "µs"
    return Row(claim_id, "", margin, unit, not wrong, holds, "; ".join([*wrong[:3], told]))


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
