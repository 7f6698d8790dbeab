"""The optics of one span: connections on two links over fibres of their own, and rings and trees of the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.access.budget import Closing, LinkBudget, closing
from trassa.optical.access.rings import Ring, RingOffer, ring_offers
from trassa.optical.access.trees import Tree, cheapest_trees
from trassa.optical.plant.drops import Drop, Refusal
from trassa.optical.plant.layout import SpanPlant
from trassa.optical.plant.lengths import Lengths
from trassa.optical.plant.measured import Beyond
from trassa.optical.settings import OpticalSettings, TransceiverClass

__all__ = ["Link", "SpanOptics", "chosen_optics"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TAP_SPLICES = 1
"""Where the drop is spliced to the cable; a joint in the same closure adds none to this fibre."""


@dataclass(frozen=True)
class Link:
    """One optical link of a connection to one hut, drop included."""

    drop: Drop
    lengths: Lengths
    optics: TransceiverClass
    budget: LinkBudget


@dataclass(frozen=True)
class SpanOptics:
    """The optics of all drops of one span. Row 0 of each array leads to the hut before, row 1 to the hut behind.

    ``drops`` are those with fibres of their own. ``lengths_m`` has shape (3, 2, drops): route, sheath, fibre.
    ``choice`` (2, drops) indexes ``closings``. ``fibres`` counts all that are taken, those of rings and trees included.
    """

    drops: tuple[Drop, ...]
    lengths_m: FloatArray
    closings: tuple[Closing, ...]
    choice: IntArray
    rings: tuple[Ring, ...]
    cost_minor: int
    fibres: int
    trees: tuple[Tree, ...] = ()

    def opened_at(self, places_m: Collection[float]) -> int:
        """Fibres that are led into drops at some places of the cable: there they are not spliced through."""
        own = [self.closings[row].optics.fibres for row in self.choice[0].tolist()]
        opened = [fibres for drop, fibres in zip(self.drops, own, strict=True) if drop.tap_m in places_m]
        opened += [ring.fibres for ring in self.rings for tap_m in {d.tap_m for d in ring.drops} if tap_m in places_m]
        opened += [tree.opened_at(place_m) for tree in self.trees for place_m in places_m]
        return int(sum(opened))

    def links(self, side: int) -> list[Link]:
        """The links to the hut before (0) or behind (1), in the order of the drops."""
        count = len(self.drops)
        links: list[Link] = []
        for index, drop in enumerate(self.drops):
            row = self.closings[int(self.choice[side, index])]
            at = side * count + index
            lengths = Lengths(*(float(length) for length in self.lengths_m[:, side, index]))
            links.append(Link(drop, lengths, row.optics, row.budget(at)))
        return links


def chosen_optics(drops: Sequence[Drop], plant: SpanPlant, rules: OpticalSettings) -> SpanOptics | Refusal:
    """The cheapest transceivers that close every link, ring and tree within the cable's fibres, or why there are none.

    Exact: a connection has both links of one kind, duplex or BiDi, so it takes two fibres or one, as a ring does, and
    each switch to BiDi frees exactly one. Trees are the
    cheapest by themselves and keep their fibres. The cheapest switches are made until the fibres suffice.
    """
    access = [rules.service(drop.connection.service).access for drop in drops]
    own = [drop for drop, wanted in zip(drops, access, strict=True) if wanted == "own fibres"]
    offers = ring_offers([drop for drop, wanted in zip(drops, access, strict=True) if wanted == "ring"], plant, rules)
    if isinstance(offers, Refusal):
        return offers
    trees = cheapest_trees([drop for drop, wanted in zip(drops, access, strict=True) if wanted == "tree"], plant, rules)
    if isinstance(trees, Refusal):
        return trees
    taken = sum(tree.fibres for tree in trees)
    lengths_m, splices = _lengths_and_splices(own, plant)
    beyond = _beyond(own, plant)
    classes = sorted(rules.transceivers, key=lambda optics: (optics.price.amount_minor, optics.name))
    fibre_m = lengths_m[2].ravel()
    closings = tuple(closing(optics, fibre_m, splices.ravel(), rules, beyond) for optics in classes)
    prices = np.array([row.pair_price_minor(rules) for row in closings]).reshape(len(closings), 2, len(own))
    choices, pairs = zip(*(_cheapest(prices, closings, fibres) for fibres in (1, 2)), strict=True)
    bidi_minor, duplex_minor = (
        np.concatenate((pair, [offer.price_minor[row] for offer in offers])) for row, pair in enumerate(pairs)
    )
    unclosed = np.flatnonzero(np.isinf(np.minimum(bidi_minor, duplex_minor)))
    if len(unclosed):
        return _unclosed(int(unclosed[0]), own, closings, offers)
    duplex = _within_fibres(bidi_minor, duplex_minor, taken, rules)
    if isinstance(duplex, Refusal):
        return duplex
    choice = np.where(duplex[: len(own)], choices[1], choices[0])
    rings = tuple(offer.lit(duplex=bool(two)) for offer, two in zip(offers, duplex[len(own) :], strict=True))
    cost_minor = int(np.where(duplex, duplex_minor, bidi_minor).sum()) + sum(tree.cost_minor for tree in trees)
    fibres = int(len(duplex) + duplex.sum()) + taken
    return SpanOptics(tuple(own), lengths_m, closings, choice, rings, cost_minor, fibres, tuple(trees))


def _within_fibres(
    bidi_minor: FloatArray, duplex_minor: FloatArray, taken: int, rules: OpticalSettings
) -> npt.NDArray[np.bool_] | Refusal:
    """Which connections and rings take two fibres, shape (units,), at least cost within the cable.

    ``taken`` fibres are the trees'.
    """
    duplex = duplex_minor < bidi_minor
    room = rules.fibres - rules.backbone_fibres - taken
    excess = int(len(duplex) + duplex.sum()) - room
    extra = np.where(duplex, bidi_minor - duplex_minor, np.inf)
    if excess > int(np.isfinite(extra).sum()):
        beside = f" beside {taken} of trees" if taken else ""
        return Refusal(
            f"{len(duplex)} connections and rings between two huts need more than the {max(room, 0)} fibres left for "
            f"them{beside}",
            f"optical.fibres = {rules.backbone_fibres + taken + 2 * len(duplex)}",
        )
    if excess > 0:
        duplex[np.argsort(extra, kind="stable")[:excess]] = False
    return np.asarray(duplex, dtype=np.bool_)


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


def _beyond(drops: Sequence[Drop], plant: SpanPlant) -> Beyond:
    """What was measured of the cable on the links to the hut before, then on those to the hut behind, (2 · drops,)."""
    taps, measured = np.array([drop.tap_m for drop in drops], dtype=np.float64), plant.measured
    first_m = np.concatenate((np.full(len(drops), plant.cable.start_m), taps))
    second_m = np.concatenate((taps, np.full(len(drops), plant.cable.end_m)))
    return measured.between(plant.cable, first_m, second_m).at_taps(np.tile(measured.at_db(taps.tolist()), 2))


def _cheapest(prices: FloatArray, closings: Sequence[Closing], fibres: int) -> tuple[IntArray, FloatArray]:
    """Choice (2, drops) among classes with that many fibres, and the price of both links (drops,); inf where none."""
    ours = [index for index, row in enumerate(closings) if row.optics.fibres == fibres]
    if not ours:
        return np.zeros(prices.shape[1:], dtype=np.int64), np.full(prices.shape[2], np.inf)
    best = np.argmin(prices[ours], axis=0)
    return np.array(ours, dtype=np.int64)[best], np.min(prices[ours], axis=0).sum(axis=0)


def _unclosed(unit: int, own: Sequence[Drop], closings: Sequence[Closing], offers: Sequence[RingOffer]) -> Refusal:
    """What fails of a connection, or of a ring behind all connections."""
    if unit >= len(own):
        drops = offers[unit - len(own)].drops
        names = f"{drops[0].connection.name}–{drops[-1].connection.name}"
        return Refusal(
            f"no transceiver closes every segment of the ring {names}",
            "a class with a higher budget or a longer reach in optical.transceivers, or a hut nearer to it",
        )
    worst = min(max(float(row.margin_db[unit + side * len(own)]) for row in closings) for side in (0, 1))
    name = own[unit].connection.name
    return Refusal(
        f"no transceiver closes both links of {name} (best margin {worst:.1f} dB, or beyond reach)",
        "a class with a higher budget in optical.transceivers, or a hut nearer to it",
    )
