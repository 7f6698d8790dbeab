"""The backbone as GNPy's network JSON, designed by us: amplifier types, gains and launch powers filled in.

Its command line reads the result together with the equipment JSON written beside it, which carries the repair margin
as GNPy's EOL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

from trassa.optical.settings import OpticalSettings
from trassa.optical.wdm.amplifiers import Amplifier
from trassa.optical.wdm.wavelengths import Lightpath, LineSpan, Node, Section, WavelengthLine

__all__ = ["element_names", "equipment_json", "topology_of"]


def equipment_json(rules: OpticalSettings) -> dict[str, Any]:
    """The shipped library with the repair margin as end-of-life loss of each span."""
    data: dict[str, Any] = json.loads(files(__package__).joinpath("equipment.json").read_text("utf-8"))
    data["Span"][0]["EOL"] = rules.repair_margin_db
    return data


def topology_of(line: WavelengthLine, *, designed: bool = True) -> dict[str, Any]:
    """GNPy's network JSON of a line, both senses, all cables.

    Each ROADM has a transceiver; the huts between are plain amplifiers. With ``designed`` false the amplifiers are
    left to GNPy's own design.
    """
    network = _Network(line, designed)
    for hut in line.roadms:
        node = line.nodes[hut]
        network.add(f"trx {node.name}", "Transceiver", node)
        network.add(f"roadm {node.name}", "Roadm", node, {"target_pch_out_db": line.library.roadm_output_dbm})
        network.join(f"trx {node.name}", f"roadm {node.name}")
        network.join(f"roadm {node.name}", f"trx {node.name}")
    for section in line.sections:
        network.section(section)
    return {"network_name": "trassa", "elements": network.elements, "connections": network.connections}


def element_names(line: WavelengthLine, path: Lightpath) -> tuple[str, ...]:
    """The uids that a path passes, from transceiver to transceiver."""
    names = [f"trx {line.nodes[path.source].name}"]
    for section in path.sections:
        names += [f"roadm {line.nodes[section.huts[0]].name}", *_between(line.nodes, section)]
    last = line.nodes[path.target].name
    return (*names, f"roadm {last}", f"trx {last}")


def _between(nodes: Sequence[Node], section: Section) -> list[str]:
    """The uids of a section between its ROADMs: booster, fibre, amplifier, fibre … preamplifier."""
    tag = section.sense if section.cable == 0 else f"{section.sense} {section.cable + 1}"
    here = nodes[section.huts[0]].name
    names = [f"booster {here} {tag}"]
    for hut in section.huts[1:]:
        there = nodes[hut].name
        names += [f"fibre {here}–{there} {tag}", f"amplifier {there} {tag}"]
        here = there
    return names


class _Network:
    """Elements and connections in GNPy's shape."""

    def __init__(self, line: WavelengthLine, designed: bool) -> None:
        self._line, self._designed = line, designed
        self.elements: list[dict[str, Any]] = []
        self.connections: list[dict[str, str]] = []

    def add(self, uid: str, kind: str, node: Node, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Add one element at a node and give it back."""
        location = {"city": node.name, "region": node.text, "latitude": node.latitude_deg}
        location["longitude"] = node.longitude_deg
        element: dict[str, Any] = {"uid": uid, "type": kind, "metadata": {"location": location}}
        if params:
            element["params"] = params
        self.elements.append(element)
        return element

    def join(self, first: str, second: str) -> None:
        """Light goes from the first to the second."""
        self.connections.append({"from_node": first, "to_node": second})

    def section(self, section: Section) -> None:
        """The chain of one section, from ROADM to ROADM."""
        nodes, names = self._line.nodes, _between(self._line.nodes, section)
        amplifiers = self._line.amplifiers[section]
        for index, name in enumerate(names):
            at = nodes[section.huts[(index + 1) // 2]]
            if index % 2:
                params = _fibre(section.spans[index // 2], self._line.rules)
                self.add(name, "Fiber", nodes[section.huts[index // 2]], params)["type_variety"] = "SSMF"
            else:
                amplifier = self.add(name, "Edfa", at)
                amplifier.update(self._set(amplifiers[index // 2]) if self._designed else {})
        ends = [f"roadm {nodes[section.huts[end]].name}" for end in (0, -1)]
        chain = [ends[0], *names, ends[1]]
        for before, after in pairwise(chain):
            self.join(before, after)

    def _set(self, amplifier: Amplifier) -> dict[str, Any]:
        operational = {
            "gain_target": round(amplifier.gain_db, 6),
            "delta_p": round(amplifier.launch_dbm - self._line.library.power_dbm, 6),
            "tilt_target": 0,
            "out_voa": 0,
            "in_voa": 0,
        }
        return {"type_variety": amplifier.type_name, "operational": operational}


def _fibre(span: LineSpan, rules: OpticalSettings) -> dict[str, Any]:
    longer = rules.helix_ratio / rules.helix_ratio_low
    end_db = rules.connector_loss_db + rules.splice_loss_db
    losses_db = span.splices_db or (rules.splice_loss_db,) * len(span.splices_m)
    lumped = [{"position": m * longer / 1000.0, "loss": db} for m, db in zip(span.splices_m, losses_db, strict=True)]
    return {
        "length": span.fibre_m * longer / 1000.0,
        "length_units": "km",
        "loss_coef": span.per_km_db(rules),
        "con_in": end_db,
        "con_out": end_db,
        "att_in": 0,
        "lumped_losses": lumped if any(losses_db) else [],
    }
