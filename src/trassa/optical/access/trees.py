"""Passive trees: neighbouring places share a splitter that is fed from the huts on both sides.

::

    hut ═══════════╦═════════════ hut     one fibre, both feeders: type B protection of ITU-T G.984.1
             ┌─────╨───┐                  2:N splitter in the closure of one of its places
             ●         ●      ●           a fibre of the cable to each place before and behind it

Which places share a splitter, and at whose tap it stands, is found by dynamic programming over the places in order of
measure: least cost, then the least way between splitters and places, where a cut strands, then the fewest fibres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.access.budget import LinkBudget
from trassa.optical.access.splitters import TreeClosing, tree_closing
from trassa.optical.plant.drops import Drop, Refusal
from trassa.optical.plant.layout import SpanPlant
from trassa.optical.plant.lengths import Lengths
from trassa.optical.plant.measured import Beyond
from trassa.optical.settings import OpticalSettings
from trassa.optical.tree_settings import PonClass

__all__ = ["Branch", "Tree", "cheapest_trees"]

FloatArray = npt.NDArray[np.float64]
_Key = tuple[int, int, int]
"""What is least of trees, one after another: price in minor units, millimetres of route to places, fibres."""


@dataclass(frozen=True)
class Branch:
    """One place on a tree, with lengths and budgets from the OLT in the hut before and in the hut behind.

    ``port`` is the splitter's output, from 1; ``fibre`` the number among the tree's fibres of the cable, from 2 as the
    feeders have the first, and 0 where the drop begins at the splitter.
    """

    drop: Drop
    port: int
    fibre: int
    lengths: tuple[Lengths, Lengths]
    budgets: tuple[LinkBudget, LinkBudget]


@dataclass(frozen=True)
class Tree:
    """A tree between the two huts of a span; branches in order of taps. ``fibres`` of the cable are its own."""

    splitter_m: float
    split: int
    pon: PonClass
    branches: tuple[Branch, ...]
    fibres: int
    rate_mbps: float
    cost_minor: int

    def opened_at(self, place_m: float) -> int:
        """How many of its fibres are opened in a closure there, and so not spliced through."""
        if place_m == self.splitter_m:
            return self.fibres
        return sum(branch.fibre > 0 and branch.drop.tap_m == place_m for branch in self.branches)


def cheapest_trees(drops: Sequence[Drop], plant: SpanPlant, rules: OpticalSettings) -> list[Tree] | Refusal:
    """The trees for drops of one span in order of their taps; services of the same split share splitters."""
    trees: list[Tree] = []
    splits = [rules.service(drop.connection.service).split for drop in drops]
    for split in sorted(set(splits)):
        found = _Sharing([d for d, its in zip(drops, splits, strict=True) if its == split], split, plant, rules).best()
        if isinstance(found, Refusal):
            return found
        trees += found
    return sorted(trees, key=lambda tree: (tree.splitter_m, tree.branches[0].drop.connection.name))


@dataclass(frozen=True)
class _Group:
    """Places ``first`` to ``last`` (not included) on one tree, with the splitter at the tap of place ``at``."""

    key: _Key
    first: int
    last: int
    at: int
    pon: PonClass


class _Sharing:
    """Drops of one span with one split, and everything that their trees are weighed by."""

    def __init__(self, drops: Sequence[Drop], split: int, plant: SpanPlant, rules: OpticalSettings) -> None:
        self._drops, self._split, self._plant, self._rules = drops, split, plant, rules
        cable = plant.cable
        self._taps_m = np.array([drop.tap_m for drop in drops], dtype=np.float64)
        self._along = np.array((cable.route_m(self._taps_m), cable.sheath_m(self._taps_m), cable.fibre_m(self._taps_m)))
        self._whole = np.array((cable.whole.route_m, cable.whole.sheath_m, cable.whole.fibre_m))
        own = [(d.lengths.route_m, d.lengths.sheath_m, d.lengths.fibre_m) for d in drops]
        self._own = np.array(own, dtype=np.float64).reshape(-1, 3).T
        self._joints = np.array(plant.joints_m, dtype=np.float64)
        self._rates = np.array([rules.service(d.connection.service).rate_mbps for d in drops])
        self._in_hut = (self._taps_m <= cable.start_m) | (self._taps_m >= cable.end_m)
        self._pons = [(pon, _payload_mbps(pon, rules)) for pon in rules.trees.pons]

    def best(self) -> list[Tree] | Refusal:
        """The trees of least key, exactly, or why a place can be on none."""
        for place in range(len(self._drops)):
            if self._group(place, place + 1) is None:
                return self._unclosed(place)
        keys: list[_Key] = [(0, 0, 0)]
        into: list[_Group] = []
        for last in range(1, len(self._drops) + 1):
            groups = [self._group(first, last) for first in range(max(0, last - self._split), last)]
            sums = [(_added(keys[group.first], group.key), group) for group in groups if group is not None]
            key, group = min(sums, key=lambda pair: (pair[0], pair[1].first))
            keys.append(key)
            into.append(group)
        chosen: list[_Group] = []
        last = len(self._drops)
        while last:
            chosen.append(into[last - 1])
            last = chosen[-1].first
        return [self._tree(group) for group in reversed(chosen)]

    def _group(self, first: int, last: int) -> _Group | None:
        """The best tree for some neighbours; a splitter in a hut is for those that begin there alone."""
        here, rate_mbps = slice(first, last), float(self._rates[first:last].sum())
        if self._in_hut[here].any() and len(set(self._taps_m[here].tolist())) > 1:
            return None
        fibre_m, splices, beyond = self._lengths(here)[2], self._splices(here), self._beyond(here)
        taps_m = self._taps_m[here]
        away_mm = np.rint(1000.0 * np.abs(self._along[0, here] - self._along[0, here][:, None]).sum(axis=1))
        before = (taps_m < taps_m[:, None]).sum(axis=1)
        behind = (taps_m > taps_m[:, None]).sum(axis=1)
        best: _Group | None = None
        for pon, payload_mbps in self._pons:
            base_minor = self._price_minor(pon, last - first)
            if rate_mbps > payload_mbps or (best is not None and base_minor > best.key[0]):
                continue
            closed = tree_closing(pon, self._split, fibre_m, splices, self._rules, beyond)
            for at in np.flatnonzero(closed.closes).tolist():
                minor = base_minor + int(closed.attenuators[at]) * self._rules.prices.attenuator.amount_minor
                key = (minor, int(away_mm[at]), 1 + int(max(before[at], behind[at])))
                if best is None or key < best.key:
                    best = _Group(key, first, last, first + at, pon)
        return best

    def _price_minor(self, pon: PonClass, places: int) -> int:
        splitter = self._rules.trees.splitter(self._split).price.amount_minor
        return splitter + 2 * pon.olt_port.amount_minor + places * pon.onu.amount_minor

    def _lengths(self, here: slice) -> FloatArray:
        """Route, sheath and fibre from either hut to each place, a row for each place of the splitter: (3, n, 2, n)."""
        along = self._along[:, here]
        feeder = np.stack((along, self._whole[:, None] - along), axis=2)
        branch = np.abs(along[:, None, :] - along[:, :, None]) + self._own[:, None, here]
        return np.asarray(feeder[:, :, :, None] + branch[:, :, None, :], dtype=np.float64)

    def _splices(self, here: slice) -> FloatArray:
        """Joints passed and the splices in the closures of splitter and tap, (n, 2, n): two at the splitter, and one
        more at the tap where that is another closure."""
        taps_m = self._taps_m[here]
        left, right = np.searchsorted(self._joints, taps_m, "left"), np.searchsorted(self._joints, taps_m, "right")
        feeder = np.stack((left, len(self._joints) - right), axis=1)
        apart = taps_m[:, None] != taps_m
        between = np.where(taps_m[:, None] < taps_m, left - right[:, None], left[:, None] - right)
        branch = 2 + np.where(apart, np.maximum(between, 0) + 1, 0)
        return np.asarray(feeder[:, :, None] + branch[:, None, :], dtype=np.float64)

    def _beyond(self, here: slice) -> Beyond:
        """What was measured of the cable on the same ways, (n, 2, n), in the closures of splitter and tap as well."""
        taps_m, cable, measured = self._taps_m[here], self._plant.cable, self._plant.measured
        sides = measured.between(cable, cable.start_m, taps_m), measured.between(cable, taps_m, cable.end_m)
        low_m, high_m = np.minimum(taps_m[:, None], taps_m), np.maximum(taps_m[:, None], taps_m)
        branch, spliced_db = measured.between(cable, low_m, high_m), measured.at_db(taps_m.tolist())
        found = [
            np.stack((before, behind), axis=1)[:, :, None] + between[:, None, :]
            for before, behind, between in zip(*map(astuple, (*sides, branch)), strict=True)
        ]
        closures_db = 2.0 * spliced_db[:, None] + np.where(taps_m[:, None] != taps_m, spliced_db, 0.0)
        return Beyond(*found).at_taps(closures_db[:, None, :])

    def _tree(self, group: _Group) -> Tree:
        here, at, rules = slice(group.first, group.last), group.at - group.first, self._rules
        lengths_m = self._lengths(here)[:, at]
        every = tree_closing(
            group.pon, self._split, self._lengths(here)[2], self._splices(here), rules, self._beyond(here)
        )
        drops, splitter_m = self._drops[here], float(self._taps_m[group.at])
        return Tree(
            splitter_m,
            self._split,
            group.pon,
            tuple(_branches(drops, splitter_m, lengths_m, every, at)),
            group.key[2],
            float(self._rates[here].sum()),
            group.key[0],
        )

    def _unclosed(self, place: int) -> Refusal:
        name, rate_mbps = self._drops[place].connection.name, float(self._rates[place])
        most_mbps = max(payload_mbps for _, payload_mbps in self._pons)
        if rate_mbps > most_mbps:
            return Refusal(
                f"a tree of {most_mbps:g} Mbit/s is too little for the {rate_mbps:g} Mbit/s of {name}",
                "access = 'own fibres' or 'ring' for its service, or a faster class in optical.trees.pons",
            )
        alone = slice(place, place + 1)
        fibre_m, splices, beyond = self._lengths(alone)[2], self._splices(alone), self._beyond(alone)
        most_db = max(
            float(tree_closing(pon, self._split, fibre_m, splices, self._rules, beyond).margin_db.min())
            for pon, _ in self._pons
        )
        return Refusal(
            f"no class of optical.trees.pons reaches {name} from both huts over a splitter 1:{self._split} "
            f"(best margin {most_db:.1f} dB, {fibre_m.max() / 1000.0:.1f} km of fibre)",
            "a smaller split for its service, a class with a higher budget or a longer reach, or a hut nearer to it",
        )


def _payload_mbps(pon: PonClass, rules: OpticalSettings) -> float:
    return rules.trees.payload_ratio * min(pon.rate_down_mbps, pon.rate_up_mbps)


def _added(one: _Key, other: _Key) -> _Key:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _branches(
    drops: Sequence[Drop], splitter_m: float, lengths_m: FloatArray, closed: TreeClosing, at: int
) -> list[Branch]:
    """Ports in order of taps; those before the splitter and those behind it take the same fibres of the cable.

    ``closed`` holds a tree for each place of the splitter, of which this is the one ``at``.
    """
    found: list[Branch] = []
    before = behind = 1
    for index, drop in enumerate(drops):
        before, behind = before + (drop.tap_m < splitter_m), behind + (drop.tap_m > splitter_m)
        fibre = before if drop.tap_m < splitter_m else behind if drop.tap_m > splitter_m else 0
        lengths = [Lengths(*(float(length) for length in lengths_m[:, side, index])) for side in (0, 1)]
        budgets = (closed.budget(at, 0, index), closed.budget(at, 1, index))
        found.append(Branch(drop, index + 1, fibre, (lengths[0], lengths[1]), budgets))
    return found
