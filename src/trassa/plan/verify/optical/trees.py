"""Passive trees found again: lengths from the plant, losses by a budget of our own, rates, ports and fibres."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trassa.linear import Layer
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.cable import Cable, Plant
from trassa.plan.verify.optical.losses import Passed
from trassa.plan.verify.optical.stated_rows import AT_M, rows_off
from trassa.plan.verify.verdict import Row

__all__ = ["TreeAgain", "branch_rows", "check_trees", "trees_of"]

_ID = "optical.trees"
_TOLERANCE_DB = 0.02
_Cut = tuple[float, float, Collection[str]] | None


@dataclass(frozen=True)
class TreeAgain:
    """One tree: its huts, its splitter and its places in order of taps; for each place and hut what was found.

    ``found`` holds route, fibre, least, typical and greatest loss, attenuator, budget and margin by name.
    """

    name: str
    cable: str
    huts: tuple[str, str]
    huts_m: tuple[float, float]
    splitter_m: float
    members: tuple[str, ...]
    taps_m: tuple[float, ...]
    found: tuple[tuple[Mapping[str, float], Mapping[str, float]], ...]

    def whole(self, member: int, side: int, cut: _Cut) -> bool:
        """Whether a cut leaves the way of a place to one of the huts."""
        return not (self._taken(cut, self.huts_m[side]) or self.parted(member, cut))

    def parted(self, member: int, cut: _Cut) -> bool:
        """Whether a cut lies between a place and the splitter."""
        return self._taken(cut, self.taps_m[member])

    def _taken(self, cut: _Cut, far_m: float) -> bool:
        low_m, high_m = sorted((self.splitter_m, far_m))
        return cut is not None and self.cable in cut[2] and cut[0] < high_m - AT_M and low_m + AT_M < cut[1]


def branch_rows(layers: Mapping[str, Layer], tree: str) -> list[dict[str, Any]]:
    """The rows of ``tree_links`` of one tree; none where the plan has no trees."""
    return list(layers["tree_links"].where(tree=tree).rows()) if "tree_links" in layers else []


def trees_of(
    layers: Mapping[str, Layer], plant: Plant, huts: Mapping[str, float], rules: OpticalSettings
) -> list[TreeAgain]:
    """The trees of the plan; one whose hut, cable or class is unknown reaches nobody."""
    if "splitters" not in layers or "tree_links" not in layers:
        return []
    connections = {str(row["connection"]): row for row in layers["connections"].rows()}
    trees = []
    for row in layers["splitters"].rows():
        at_m, name = float(row["measure_m"]), str(row["tree"])
        known = {str(one["connection"]) for one in branch_rows(layers, name)} & set(connections)
        members = sorted(known, key=lambda one: _order(connections[one]))
        ends = (str(row["hut_before"]), str(row["hut_behind"]))
        ends_m = (huts.get(ends[0], math.nan), huts.get(ends[1], math.nan))
        cable = plant.at(str(row["cable"]), at_m)
        split = rules.service(str(connections[members[0]]["service"])).split if members else 0
        pon = next((pon for pon in rules.trees.pons if pon.name == str(row["optics"])), None)
        found = [({"margin_db": -math.inf}, {"margin_db": -math.inf})] * len(members)
        if cable is not None and pon is not None and not any(map(math.isnan, ends_m)):
            drops_m = [float(connections[one]["drop_m"]) for one in members]
            taps_m = [float(connections[one]["tap_m"]) for one in members]
            sides = [_side(cable, hut_m, at_m, taps_m, drops_m, pon, split, rules) for hut_m in ends_m]
            found = list(zip(*sides, strict=True))
        taps = tuple(float(connections[one]["tap_m"]) for one in members)
        trees.append(TreeAgain(name, str(row["cable"]), ends, ends_m, at_m, tuple(members), taps, tuple(found)))
    return trees


def _order(row: Mapping[str, Any]) -> tuple[float, float, str]:
    return float(row["tap_m"]), float(row["measure_m"]), str(row["connection"])


def _side(
    cable: Cable,
    hut_m: float,
    splitter_m: float,
    taps_m: Sequence[float],
    drops_m: Sequence[float],
    pon: Any,
    split: int,
    rules: OpticalSettings,
) -> list[dict[str, float]]:
    """Every place of a tree from one hut: lengths and losses, and the one attenuator of that feeder."""
    rows = []
    splitter = rules.trees.splitter(split)
    second_db, grown = rules.trees.second_input_loss_db, rules.helix_ratio / rules.helix_ratio_low
    for tap_m, drop_m in zip(taps_m, drops_m, strict=True):
        loops_m = rules.closure_loop_m / 2.0 + rules.termination_loop_m
        drop_fibre_m = (drop_m * (1.0 + rules.slack_ratio) + loops_m) / rules.helix_ratio
        closures_db = 2.0 * cable.splice_db(splitter_m)
        if tap_m != splitter_m:
            closures_db += cable.splice_db(tap_m)
        passed = cable.passed(hut_m, splitter_m) + cable.passed(splitter_m, tap_m)
        passed += Passed.of(drop_fibre_m, closures_db, rules)
        fibre_m, short_db, long_db = passed.fibre_m, passed.glass_db["1310"], passed.glass_db["1550"]
        # Two splices of pigtails and two connectors; those at splitter and tap are counted above.
        fixed_db = passed.splices_db + 2.0 * (rules.splice_loss_db + rules.connector_loss_db)
        reached_m = abs(cable.route_m(splitter_m) - cable.route_m(hut_m))
        rows.append(
            {
                "route_m": reached_m + abs(cable.route_m(tap_m) - cable.route_m(splitter_m)) + drop_m,
                "fibre_m": fibre_m,
                "first_day_loss_db": rules.first_day_ratio * (long_db + fixed_db) + splitter.least_loss_db,
                "typical_loss_db": short_db + fixed_db + splitter.typical_loss_db + second_db,
                "loss_db": short_db * grown + fixed_db + splitter.greatest_loss_db + second_db + rules.repair_margin_db,
            }
        )
    lacking_db = pon.least_loss_db - min(row["first_day_loss_db"] for row in rows)
    attenuator_db = float(math.ceil(max(lacking_db - 1e-9, 0.0)))
    for row in rows:
        for name in ("first_day_loss_db", "typical_loss_db", "loss_db"):
            row[name] += attenuator_db
        margin_db = min(pon.budget_db - row["loss_db"], row["first_day_loss_db"] - pon.least_loss_db)
        margin_db = margin_db if row["fibre_m"] * grown <= pon.reach_m else min(margin_db, -1.0)
        row |= {"attenuator_db": attenuator_db, "budget_db": pon.budget_db, "margin_db": margin_db}
    return rows


def check_trees(evidence: Evidence, plant: Plant, trees: Sequence[TreeAgain], huts: Mapping[str, float]) -> list[Row]:
    """Every column of both layers, and the row of the claim; none where no tree is planned and none is asked for."""
    layers = evidence.layers
    claim = next((claim for claim in evidence.proof.claims if claim.id == _ID), None)
    asked = {service.name for service in evidence.settings.optical.services if service.access == "tree"}
    due = [row for row in layers["connections"].rows() if str(row["service"]) in asked and row["access"]]
    if not due and claim is None and "tree_links" not in layers and "splitters" not in layers:
        return []
    if claim is None or not trees or "tree_links" not in layers:
        return [Row(_ID, "", None, "dB", False, None, "trees without a claim, or a claim without trees")]
    on_trees = [name for tree in trees for name in tree.members]
    lost = {str(row["connection"]) for row in due} ^ set(on_trees)
    wrong = [f"{name} is on no tree, or asks for none" for name in sorted(lost)]
    wrong += [f"{name} is on two trees" for name in sorted(set(on_trees)) if on_trees.count(name) > 1]
    full = False
    splitters: list[Mapping[str, Any]] = []
    for tree, row in zip(trees, layers["splitters"].rows(), strict=True):
        told = _splitter(evidence, plant, tree, row, huts)
        full |= told["rate_mbps"] > told["limit_mbps"]
        splitters.append(told)
        wrong += _odd(evidence, tree, told)
    wrong += rows_off(layers["splitters"], ["tree"], splitters)
    wrong += rows_off(layers["tree_links"], ["connection", "hut"], [row for t in trees for row in _links(evidence, t)])
    wrong += [said for tree in trees for said in _ports_off(evidence, tree)]
    least = min((side["margin_db"] for tree in trees for both in tree.found for side in both), default=-math.inf)
    holds = verdict(not least >= 0.0 or full, estimate_reasons(evidence))
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    if claim.worst.margin is None or not abs(claim.worst.margin - least) <= _TOLERANCE_DB:
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {least:.2f} dB")
    said = "; ".join(wrong[:3]) or f"{len(on_trees)} places on {len(trees)} trees, from both huts"
    return [Row(_ID, "", least, "dB", not wrong, holds, said)]


def _splitter(
    evidence: Evidence, plant: Plant, tree: TreeAgain, row: Mapping[str, Any], huts: Mapping[str, float]
) -> dict[str, Any]:
    """What its row must say, beside where it stands and of which class it is."""
    rules, layers = evidence.settings.optical, evidence.layers
    services = {str(one["connection"]): rules.service(str(one["service"])) for one in layers["connections"].rows()}
    pon = next((pon for pon in rules.trees.pons if pon.name == str(row["optics"])), None)
    cable = next((one for one in plant.cables if plant.at(one.name, tree.splitter_m) is one), None)
    inside = [(m, hut) for hut, m in huts.items() if cable and cable.start_m - AT_M <= m <= cable.end_m + AT_M]
    order = sorted(inside)
    place = min(max(sum(m <= tree.splitter_m + AT_M for m, _ in order), 1), len(order) - 1)
    sides = [sum(tap < tree.splitter_m for tap in tree.taps_m), sum(tap > tree.splitter_m for tap in tree.taps_m)]
    closures = layers["closures"].where(cable=cable.name if cable else "")
    near = [str(one["closure"]) for one in closures.rows() if abs(float(one["measure_m"]) - tree.splitter_m) <= AT_M]
    near = [hut for m, hut in order if abs(m - tree.splitter_m) <= AT_M] or near
    slower = min(pon.rate_down_mbps, pon.rate_up_mbps) if pon else 0.0
    return {
        "tree": tree.name,
        "cable": cable.name if cable else "",
        "closure": near[0] if near else "",
        "split": services[tree.members[0]].split if tree.members else 0,
        "connections": len(tree.members),
        "fibres": 1 + max(sides),
        "hut_before": order[place - 1][1],
        "hut_behind": order[place][1],
        "rate_mbps": float(sum(services[name].rate_mbps for name in tree.members)),
        "limit_mbps": float(rules.trees.payload_ratio * slower),
    }


def _odd(evidence: Evidence, tree: TreeAgain, told: Mapping[str, Any]) -> Iterator[str]:
    """What no tree of ours is: a splitter away from its places or in a foreign hut, too many places, or mixed ones."""
    if not any(abs(tap_m - tree.splitter_m) <= AT_M for tap_m in tree.taps_m):
        yield f"the splitter of {tree.name} stands at no tap of its places"
    if len(tree.members) > int(told["split"]):
        yield f"{tree.name} has {len(tree.members)} places on {told['split']} outputs"
    in_hut = any(abs(hut_m - tap_m) <= AT_M for hut_m in tree.huts_m for tap_m in tree.taps_m)
    if in_hut and max(tree.taps_m) - min(tree.taps_m) > AT_M:
        yield f"{tree.name} has places in a hut and beside it"
    rows = {str(row["connection"]): row for row in evidence.layers["connections"].rows()}
    splits = {evidence.settings.optical.service(str(rows[name]["service"])).split for name in tree.members}
    if len(splits) > 1:
        yield f"{tree.name} serves classes of different splits"
    yield from (f"{name} hangs on {rows[name]['access']}" for name in tree.members if rows[name]["access"] != tree.name)


def _fibres(evidence: Evidence, tree: TreeAgain) -> list[int]:
    """The tree's fibres of the cable: the feeders', then the branches'."""
    fibres = evidence.layers["fibres"].where(cable=tree.cable, use=tree.name)
    return sorted(int(fibre) for fibre in fibres["fibre"])


def _links(evidence: Evidence, tree: TreeAgain) -> Iterator[Mapping[str, Any]]:
    """What the rows of its places must say."""
    rules, numbers = evidence.settings.optical, _fibres(evidence, tree)
    optics = next(str(r["optics"]) for r in evidence.layers["splitters"].rows() if r["tree"] == tree.name)
    counted = {"before": 0, "behind": 0}
    for port, (name, tap_m) in enumerate(zip(tree.members, tree.taps_m, strict=True), start=1):
        fibre = 0
        if tap_m != tree.splitter_m:
            side = "before" if tap_m < tree.splitter_m else "behind"
            counted[side] += 1
            fibre = numbers[counted[side]] if counted[side] < len(numbers) else -1
        for hut, found in zip(tree.huts, tree.found[port - 1], strict=True):
            yield {
                "tree": tree.name,
                "connection": name,
                "hut": hut,
                "measure_m": tap_m,
                "splitter_m": tree.splitter_m,
                "port": port,
                "cable": tree.cable,
                "cable_fibre": fibre,
                "optics": optics,
                **found,
                "latency_us": found.get("fibre_m", math.nan) / 1000.0 * rules.latency_us_per_km
                + rules.trees.latency_us,
            }


def _ports_off(evidence: Evidence, tree: TreeAgain) -> Iterator[str]:
    """Feeders on their inputs, branches on the outputs that they are told to be on."""
    splices, outputs = evidence.layers["splices"], f"outputs of {tree.name}"
    for side, port in (("before", 1), ("behind", 2)):
        rows = splices.where(side=side, to=f"inputs of {tree.name}")
        if any(int(first) != port for first in rows["to_first"]):
            yield f"the feeder from {side} is on another input of {tree.name}"
    for row in branch_rows(evidence.layers, tree.name):
        fibre, port, drop = int(row["cable_fibre"]), int(row["port"]), f"drop {row['connection']}"
        if fibre and float(row["measure_m"]) != tree.splitter_m:
            side = "before" if float(row["measure_m"]) < tree.splitter_m else "behind"
            on = [int(r["to_first"]) for r in splices.where(side=side, to=outputs).rows() if r["first"] == fibre]
        else:
            on = [int(r["first"]) for r in splices.where(side=outputs, to=drop).rows()]
        in_hut = any(abs(hut_m - tree.splitter_m) <= AT_M for hut_m in tree.huts_m)
        if on != ([] if in_hut else [port]):
            yield f"{row['connection']} is spliced to output {on} of {tree.name}, due to {port}"
