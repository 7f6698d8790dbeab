"""Do the wavelengths arrive? GNPy carries them from one end of the backbone to the other.

GNPy verifies; it does not plan, and with its own equipment library it accepts a span of 40 dB in silence. So the span
loss limit is enforced here first, naming the kilometre, and the library is our own: three amplifiers, no extended
gain, hence signal quality that falls steadily as spans grow. GNPy is loaded only when asked for.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from itertools import pairwise
from typing import Any

from trassa.errors import InputError
from trassa.optical.settings import OpticalSettings

__all__ = ["LineSpan", "Node", "Transmission", "check_transmission", "topology_of"]


@dataclass(frozen=True)
class Node:
    """A hut as a node of the backbone; coordinates are WGS 84 degrees, for maps only."""

    name: str
    text: str
    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class LineSpan:
    """The fibre between two neighbouring huts; ``splices_m`` are places of joints along it, metres of fibre."""

    fibre_m: float
    splices_m: tuple[float, ...]
    loss_db: float
    limit_db: float


@dataclass(frozen=True)
class Transmission:
    """What GNPy found on one line: mean over channels, 0.1 nm; or why it was not asked.

    ``topology`` is GNPy's own JSON, which its command line reads.
    """

    checked: bool
    reason: str
    topology: dict[str, Any]
    gsnr_db: float = float("nan")
    least_gsnr_db: float = float("nan")
    osnr_db: float = float("nan")
    latency_us: float = float("nan")
    amplifiers: int = 0


def check_transmission(nodes: Sequence[Node], spans: Sequence[LineSpan], rules: OpticalSettings) -> Transmission:
    """Propagate a full load of 76 channels from the first node to the last, at the end of life.

    Raises :class:`InputError` naming the span when one is beyond its limit. Where GNPy is not installed the result
    says so and carries the topology all the same.
    """
    for (before, after), span in zip(pairwise(nodes), spans, strict=True):
        if span.loss_db > span.limit_db:
            raise InputError(
                f"optical: the span {before.name}–{after.name} ({before.text}–{after.text}) loses {span.loss_db:.1f} dB"
                f", more than its limit of {span.limit_db:.1f} dB",
                cure="a hut in between",
            )
    topology = topology_of(nodes, spans, rules)
    if not rules.check_transmission:
        return Transmission(False, "not checked: optical.check_transmission is off", topology)
    if importlib.util.find_spec("gnpy") is None:
        version = ".".join(str(part) for part in sys.version_info[:2])
        return Transmission(
            False,
            f"not checked: GNPy is not installed (it has no release for every Python; this is {version})",
            topology,
        )
    try:
        return _propagated(nodes, topology, rules)
    except ImportError as missing:
        return Transmission(False, f"not checked: GNPy does not load here ({missing})", topology)


def topology_of(nodes: Sequence[Node], spans: Sequence[LineSpan], rules: OpticalSettings) -> dict[str, Any]:
    """GNPy's network JSON of a line, both directions, amplifiers untyped so that GNPy designs them.

    Ends are transceivers behind ROADMs; the huts between are ROADMs or plain amplifiers by ``hut_equipment``.
    """
    network = _Network(nodes, rules)
    for name in (nodes[0], nodes[-1]):
        network.add(f"trx {name.name}", "Transceiver", name)
    roadms = [0, len(nodes) - 1]
    if rules.hut_equipment == "roadm":
        roadms = list(range(len(nodes)))
    for index in roadms:
        network.add(f"roadm {nodes[index].name}", "Roadm", nodes[index], {"target_pch_out_db": -20})
    for index in (0, -1):
        network.join(f"trx {nodes[index].name}", f"roadm {nodes[index].name}")
        network.join(f"roadm {nodes[index].name}", f"trx {nodes[index].name}")
    network.direction(nodes, spans, roadms, "out")
    turned = [
        LineSpan(s.fibre_m, tuple(s.fibre_m - m for m in reversed(s.splices_m)), s.loss_db, s.limit_db)
        for s in reversed(spans)
    ]
    network.direction(nodes[::-1], turned, [len(nodes) - 1 - index for index in roadms], "back")
    return {"network_name": "trassa", "elements": network.elements, "connections": network.connections}


class _Network:
    """Elements and connections in GNPy's shape."""

    def __init__(self, nodes: Sequence[Node], rules: OpticalSettings) -> None:
        self._rules = rules
        self.elements: list[dict[str, Any]] = []
        self.connections: list[dict[str, str]] = []

    def add(self, uid: str, kind: str, node: Node, params: dict[str, Any] | None = None) -> str:
        """Add one element at a node; returns its uid."""
        location = {"city": node.name, "region": node.text, "latitude": node.latitude_deg}
        location["longitude"] = node.longitude_deg
        element: dict[str, Any] = {"uid": uid, "type": kind, "metadata": {"location": location}}
        if kind == "Fiber":
            element["type_variety"] = "SSMF"
        if params:
            element["params"] = params
        self.elements.append(element)
        return uid

    def join(self, first: str, second: str) -> None:
        """Light goes from the first to the second."""
        self.connections.append({"from_node": first, "to_node": second})

    def direction(self, nodes: Sequence[Node], spans: Sequence[LineSpan], roadms: Sequence[int], sense: str) -> None:
        """The chain of one direction, from the first node's ROADM to the last one's."""
        at = f"roadm {nodes[0].name}"
        for index, span in enumerate(spans):
            here, there = nodes[index], nodes[index + 1]
            if index in roadms:
                at = self._after(at, self.add(f"booster {here.name} {sense}", "Edfa", here))
            at = self._after(at, self.add(f"fibre {here.name}–{there.name} {sense}", "Fiber", here, self._fibre(span)))
            at = self._after(at, self.add(f"amplifier {there.name} {sense}", "Edfa", there))
            if index + 1 in roadms:
                at = self._after(at, f"roadm {there.name}")

    def _after(self, before: str, uid: str) -> str:
        self.join(before, uid)
        return uid

    def _fibre(self, span: LineSpan) -> dict[str, Any]:
        rules = self._rules
        longer = rules.helix_ratio / rules.helix_ratio_low
        end_db = rules.connector_loss_db + (rules.splice_loss_db if span.splices_m else 0.0)
        lumped = [{"position": m * longer / 1000.0, "loss": rules.splice_loss_db} for m in span.splices_m]
        return {
            "length": span.fibre_m * longer / 1000.0,
            "length_units": "km",
            "loss_coef": rules.attenuation_1550_db_per_km,
            "con_in": end_db,
            "con_out": end_db,
            "att_in": 0,
            "lumped_losses": lumped if rules.splice_loss_db > 0.0 else [],
        }


@contextmanager
def _quiet() -> Iterator[None]:
    """GNPy logs a warning for every untyped ROADM; errors still come through."""
    logger = logging.getLogger("gnpy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _propagated(nodes: Sequence[Node], topology: dict[str, Any], rules: OpticalSettings) -> Transmission:
    import copy

    from gnpy.core.elements import Edfa
    from gnpy.tools.json_io import load_equipments_and_configs, network_from_json
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    with _quiet():
        with as_file(files(__package__).joinpath("equipment.json")) as path:
            equipment = load_equipments_and_configs(path, [], [])
        equipment["Span"]["default"].EOL = rules.repair_margin_db
        network = network_from_json(copy.deepcopy(topology), equipment)
        source, destination = f"trx {nodes[0].name}", f"trx {nodes[-1].name}"
        network, request, reference = designed_network(
            equipment, network, source=source, destination=destination, args_power=None
        )
        path_taken, _, _, _ = transmission_simulation(equipment, network, request, reference)
    receiver = path_taken[-1]
    return Transmission(
        True,
        "",
        topology,
        float(receiver.snr_01nm.mean()),
        float(receiver.snr_01nm.min()),
        float(receiver.osnr_ase_01nm.mean()),
        float(receiver.latency.mean()) * 1000.0,
        sum(isinstance(element, Edfa) for element in path_taken),
    )
