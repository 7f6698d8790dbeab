"""Radio sites and other connections: each on two links, one to either neighbouring hut, over its own fibres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear import Carriageway, Extent
from trassa.optical.budget import Closing, closing
from trassa.optical.lengths import Lengths, Verge
from trassa.optical.plant import SpanPlant
from trassa.optical.settings import OpticalSettings, TransceiverClass

__all__ = ["Connection", "Drop", "Link", "Refusal", "SpanOptics", "chosen_optics", "drops_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TAP_SPLICES = 1
"""Where the drop is spliced to the cable; a joint in the same closure adds none to this fibre."""


@dataclass(frozen=True)
class Connection:
    """Something to be connected: a radio site beside the road. ``offset_m`` is its distance, of either sign."""

    name: str
    measure_m: float
    carriageway: Carriageway
    offset_m: float


@dataclass(frozen=True)
class Drop:
    """The branch from the cable to a connection: where it taps the cable, how long it is, whether it crosses."""

    connection: Connection
    tap_m: float
    lengths: Lengths
    crosses: bool


def drops_of(connections: Sequence[Connection], verge: Verge, line: Extent, rules: OpticalSettings) -> list[Drop]:
    """The drops of connections to the cable along ``line``, in order of their taps.

    A tap lies where a chamber may stand. The drop runs along the verge from there, then out to the connection,
    under the road if that stands on the other side.
    """
    drops: list[Drop] = []
    for connection in connections:
        tap_m = verge.nearest_open(connection.measure_m, line)
        crosses = connection.carriageway != verge.carriageway
        along_m = abs(float(verge.route_at(connection.measure_m) - verge.route_at(tap_m)))
        route_m = along_m + abs(connection.offset_m) + (rules.crossing_m if crosses else 0.0)
        loops_m = rules.closure_loop_m / 2.0 + rules.termination_loop_m
        lengths = Lengths.laid(route_m, slack_ratio=rules.slack_ratio, loops_m=loops_m, helix_ratio=rules.helix_ratio)
        drops.append(Drop(connection, tap_m, lengths, crosses))
    return sorted(drops, key=lambda drop: (drop.tap_m, drop.connection.measure_m, drop.connection.name))


@dataclass(frozen=True)
class Refusal:
    """Why a span cannot be built: what fails, with its value and bound, and what would cure it."""

    reason: str
    cure: str


@dataclass(frozen=True)
class Link:
    """One optical link of a connection to one hut, drop included."""

    drop: Drop
    lengths: Lengths
    optics: TransceiverClass
    loss_db: float
    attenuator_db: float
    margin_db: float


@dataclass(frozen=True)
class SpanOptics:
    """The optics of all drops of one span. Row 0 of each array leads to the hut before, row 1 to the hut behind.

    ``lengths_m`` has shape (3, 2, drops): route, sheath, fibre. ``choice`` (2, drops) indexes ``closings``.
    """

    drops: tuple[Drop, ...]
    lengths_m: FloatArray
    closings: tuple[Closing, ...]
    choice: IntArray
    cost_minor: int
    fibres: int

    def links(self, side: int) -> list[Link]:
        """The links to the hut before (0) or behind (1), in the order of the drops."""
        count = len(self.drops)
        links: list[Link] = []
        for index, drop in enumerate(self.drops):
            row = self.closings[int(self.choice[side, index])]
            at = side * count + index
            lengths = Lengths(*(float(length) for length in self.lengths_m[:, side, index]))
            figures = (float(array[at]) for array in (row.loss_db, row.attenuator_db, row.margin_db))
            links.append(Link(drop, lengths, row.optics, *figures))
        return links


def chosen_optics(drops: Sequence[Drop], plant: SpanPlant, rules: OpticalSettings) -> SpanOptics | Refusal:
    """The cheapest transceivers that close both links of every drop within the cable's fibres, or why there are none.

    Exact: a connection has both links of one kind, duplex or BiDi, so it takes two fibres or one, and each switch to
    BiDi frees exactly one. The cheapest switches are made until the fibres suffice.
    """
    lengths_m, splices = _lengths_and_splices(drops, plant)
    classes = sorted(rules.transceivers, key=lambda optics: (optics.price.amount_minor, optics.name))
    fibre_m = lengths_m[2].ravel()
    closings = tuple(closing(optics, fibre_m, splices.ravel(), rules) for optics in classes)
    prices = np.array([_link_price_minor(row, rules) for row in closings]).reshape(len(closings), 2, len(drops))
    choices, pairs = zip(*(_cheapest(prices, closings, fibres) for fibres in (1, 2)), strict=True)
    bidi_minor, duplex_minor = pairs
    unclosed = np.flatnonzero(np.isinf(np.minimum(bidi_minor, duplex_minor)))
    if len(unclosed):
        return _unclosed(drops[int(unclosed[0])], closings, int(unclosed[0]), len(drops))
    duplex = duplex_minor < bidi_minor
    room = rules.fibres - rules.backbone_fibres
    excess = int(len(drops) + duplex.sum()) - room
    extra = np.where(duplex, bidi_minor - duplex_minor, np.inf)
    if excess > int(np.isfinite(extra).sum()):
        return Refusal(
            f"{len(drops)} connections between two huts need more than the {room} fibres left for them",
            f"optical.fibres = {rules.backbone_fibres + 2 * len(drops)}",
        )
    if excess > 0:
        duplex[np.argsort(extra, kind="stable")[:excess]] = False
    choice = np.where(duplex, choices[1], choices[0])
    cost_minor = int(np.where(duplex, duplex_minor, bidi_minor).sum())
    return SpanOptics(tuple(drops), lengths_m, closings, choice, cost_minor, int(len(drops) + duplex.sum()))


def _lengths_and_splices(drops: Sequence[Drop], plant: SpanPlant) -> tuple[FloatArray, FloatArray]:
    """Lengths (3, 2, drops) and splices (2, drops) from each drop's end to the hut before and to the hut behind."""
    cable, whole = plant.cable, plant.cable.whole
    taps = np.array([drop.tap_m for drop in drops], dtype=np.float64)
    joints = np.array(plant.joints_m, dtype=np.float64)
    before = np.array((cable.route_m(taps), cable.sheath_m(taps), cable.fibre_m(taps)))
    total = np.array([[whole.route_m], [whole.sheath_m], [whole.fibre_m]])
    own = np.array([(d.lengths.route_m, d.lengths.sheath_m, d.lengths.fibre_m) for d in drops]).reshape(-1, 3).T
    joints_before = np.searchsorted(joints, taps, side="left")
    joints_after = len(joints) - np.searchsorted(joints, taps, side="right")
    splices = np.array((joints_before, joints_after), dtype=np.float64) + _TAP_SPLICES
    return np.stack((before + own, total - before + own), axis=1), splices


def _link_price_minor(row: Closing, rules: OpticalSettings) -> FloatArray:
    """Price of each link with this class: two transceivers, two attenuators where needed; inf where it fails."""
    attenuators = np.where(row.attenuator_db > 0.0, 2 * rules.prices.attenuator.amount_minor, 0)
    return np.where(row.closes, 2.0 * row.optics.price.amount_minor + attenuators, np.inf)


def _cheapest(prices: FloatArray, closings: Sequence[Closing], fibres: int) -> tuple[IntArray, FloatArray]:
    """Choice (2, drops) among classes with that many fibres, and the price of both links (drops,); inf where none."""
    ours = [index for index, row in enumerate(closings) if row.optics.fibres == fibres]
    if not ours:
        return np.zeros(prices.shape[1:], dtype=np.int64), np.full(prices.shape[2], np.inf)
    best = np.argmin(prices[ours], axis=0)
    return np.array(ours, dtype=np.int64)[best], np.min(prices[ours], axis=0).sum(axis=0)


def _unclosed(drop: Drop, closings: Sequence[Closing], index: int, count: int) -> Refusal:
    worst = min(max(float(row.margin_db[index + side * count]) for row in closings) for side in (0, 1))
    return Refusal(
        f"no transceiver closes both links of {drop.connection.name} (best margin {worst:.1f} dB, or beyond reach)",
        "a class with a higher budget in optical.transceivers, or a hut nearer to it",
    )
