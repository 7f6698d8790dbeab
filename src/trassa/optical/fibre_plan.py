"""Which fibre serves what: the assignment of every span, what is spliced in every closure and patched in every hut.

::

    fibre 1–4   backbone from hut to hut         spliced through in every closure
    fibre 5, 6  ring RG-01                       cut at each member, both ends led into its drop, from drop to drop
                                                 where neighbours on the ring tap at one place
    fibre 5, 6  tree TR-01                       the first from both huts into the splitter, the others from there to
                                                 a place before and a place behind it, and dark beyond
    fibre 7     S-03, BiDi                       cut at its tap, both ends led into its drop
    fibre 8 …   spare, lit by nobody             spliced through where reels meet

A fibre that serves a connection by itself does so on both sides of its tap: to the hut before and to the hut behind.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from trassa.optical.access.trees import Tree
from trassa.optical.colours import colour
from trassa.optical.line import Line
from trassa.optical.placement import Span
from trassa.optical.plant.drops import Drop
from trassa.optical.services.service_tables import ring_names, tree_names
from trassa.optical.settings import OpticalSettings

__all__ = [
    "FibreUse",
    "fibre_colours",
    "fibre_rows",
    "fibres_with_growth",
    "patch_rows",
    "spans_of",
    "splice_rows",
    "uses_of",
]

Row = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class FibreUse:
    """Fibres ``first`` to ``last`` of a cable in one span, and what they serve; ``drops`` open them on the way.

    ``optics`` are the transceivers in the hut before and in the hut behind; empty for the backbone. Of a ``tree``'s the
    first is that of the feeders.
    """

    first: int
    last: int
    use: str
    service: str
    optics: tuple[str, str]
    drops: tuple[Drop, ...] = ()
    tree: Tree | None = None

    def opened_at(self, measure_m: float) -> Collection[int]:
        """Those that are opened in a closure, and so are not spliced through."""
        if self.tree is not None and measure_m != self.tree.splitter_m:
            here = [one for one in self.tree.branches if one.fibre and one.drop.tap_m == measure_m]
            return {self.first + one.fibre - 1 for one in here}
        opened = self.tree is not None or any(drop.tap_m == measure_m for drop in self.drops)
        return range(self.first, self.last + 1) if opened else ()


def uses_of(
    span: Span, cable: int, rings: Sequence[str], rules: OpticalSettings, trees: Sequence[str] = ()
) -> list[FibreUse]:
    """The fibres of one cable between two huts in order: backbone, rings, trees, connections, spare.

    ``rings`` and ``trees`` name those of the span. Further cables carry the backbone alone.
    """
    uses = [FibreUse(1, rules.backbone_fibres, "backbone", "backbone", ("", ""))]
    if cable == 0:
        for name, ring in zip(rings, span.optics.rings, strict=True):
            optics = (ring.segments[0].optics.name, ring.segments[-1].optics.name)
            uses.append(_next(uses, ring.fibres, name, "ring", optics, ring.drops))
        for name, tree in zip(trees, span.optics.trees, strict=True):
            lit = _next(uses, tree.fibres, name, "tree", (tree.pon.name, tree.pon.name), ())
            uses.append(replace(lit, tree=tree))
        for before, behind in zip(span.optics.links(0), span.optics.links(1), strict=True):
            served = before.drop.connection
            optics = (before.optics.name, behind.optics.name)
            uses.append(_next(uses, before.optics.fibres, served.name, served.service, optics, (before.drop,)))
    spare = rules.fibres - uses[-1].last
    return [*uses, _next(uses, spare, "spare", "", ("", ""), ())] if spare else uses


def _next(
    uses: list[FibreUse], fibres: int, use: str, service: str, optics: tuple[str, str], drops: tuple[Drop, ...]
) -> FibreUse:
    first = uses[-1].last + 1
    return FibreUse(first, first + fibres - 1, use, service, optics, drops)


def fibres_with_growth(lines: Sequence[Line]) -> tuple[int, int]:
    """The most fibres that any span uses, and as many as it should have with room to grow."""
    rules = lines[0].rules
    used = max(span.optics.fibres for line in lines for span in line.chain.spans) + rules.backbone_fibres
    return used, math.ceil(used * (1.0 + rules.growth_ratio))


def spans_of(lines: Sequence[Line]) -> Iterator[tuple[Line, int, int, list[FibreUse]]]:
    """Every span of every cable with its uses: line, number of the span, number of the cable."""
    named, grown = ring_names(lines), tree_names(lines)
    for line in lines:
        for number, span in enumerate(line.chain.spans):
            rings = [name for name, owner, at, _ in named if owner is line and at == number]
            trees = [name for name, owner, at, _ in grown if owner is line and at == number]
            for cable in range(len(line.cables)):
                yield line, number, cable, uses_of(span, cable, rings, line.rules, trees)


def fibre_rows(lines: Sequence[Line]) -> list[Row]:
    """A row of the layer ``fibres`` for every fibre of every cable between two huts."""
    rows: list[Row] = []
    for line, number, cable, uses in spans_of(lines):
        rules, plant = line.rules, line.chain.spans[number].plants[cable]
        place: Row = {
            "cable": line.cables[cable],
            "span": "–".join(line.hut_names[number : number + 2]),
            "start_m": plant.cable.start_m,
            "end_m": plant.cable.end_m,
        }
        rows += [
            {**place, "fibre": fibre, **fibre_colours(fibre, rules), "use": use.use, "service": use.service}
            for use in uses
            for fibre in range(use.first, use.last + 1)
        ]
    return rows


def fibre_colours(fibre: int, rules: OpticalSettings) -> Row:
    """Tube, its colour and the fibre's colour by the number of a fibre in its cable, counted from 1."""
    tube, place = divmod(fibre - 1, rules.tube_fibres)
    return {
        "tube": tube + 1,
        "tube_colour": colour(tube + 1, rules.colour_code),
        "fibre_colour": colour(place + 1, rules.colour_code),
    }


def splice_rows(lines: Sequence[Line], closure_at: Mapping[tuple[str, float], str]) -> list[Row]:
    """A row of the layer ``splices`` for every run of fibres that a closure joins alike.

    ``closure_at`` names the closures by cable and measure. Fibres of a closure without a row pass it uncut.
    """
    rows: list[Row] = []
    for line, number, cable, uses in spans_of(lines):
        plant = line.chain.spans[number].plants[cable]
        joints = set(plant.joints_m)
        for measure_m in plant.closures_m:
            where: Row = {"closure": closure_at[line.cables[cable], measure_m], "measure_m": measure_m}
            rows += [{**where, **row} for row in _closure(uses, measure_m, measure_m in joints)]
    return rows


def _closure(uses: Sequence[FibreUse], measure_m: float, is_joint: bool) -> Iterator[Row]:
    """Runs of fibres in one closure: from either side into drops, from drop to drop, and on where reels meet."""
    opened: set[int] = set()
    for use in uses:
        opened |= set(use.opened_at(measure_m))
        if use.tree is not None:
            yield from _tree_runs(use.use, use.first, use.tree, measure_m)
        here = [f"drop {drop.connection.name}" for drop in use.drops if drop.tap_m == measure_m]
        if not here:
            continue
        count = use.last - use.first + 1
        yield _run("before", use.first, here[0], 1, count)
        for one, other in pairwise(here):
            yield _run(one, count + 1, other, 1, count)
        yield _run("behind", use.first, here[-1], count + 1, count)
    if not is_joint:
        return
    through = [fibre for fibre in range(1, uses[-1].last + 1) if fibre not in opened]
    for _, group in groupby(enumerate(through), key=lambda pair: pair[1] - pair[0]):
        numbers = [fibre for _, fibre in group]
        yield _run("both", numbers[0], "next reel", numbers[0], len(numbers))


def _tree_runs(name: str, first: int, tree: Tree, measure_m: float) -> Iterator[Row]:
    """Both feeders into the splitter and its outputs on to drops and fibres; elsewhere fibres into their drops."""
    inputs, outputs, at_splitter = f"inputs of {name}", f"outputs of {name}", measure_m == tree.splitter_m
    if at_splitter:
        yield _run("before", first, inputs, 1, 1)
        yield _run("behind", first, inputs, 2, 1)
    for branch in tree.branches:
        drop, fibre = f"drop {branch.drop.connection.name}", first + branch.fibre - 1
        side = "before" if branch.drop.tap_m < tree.splitter_m else "behind"
        if at_splitter and branch.fibre:
            yield _run(side, fibre, outputs, branch.port, 1)
        elif at_splitter:
            yield _run(outputs, branch.port, drop, 1, 1)
        elif branch.fibre and branch.drop.tap_m == measure_m:
            yield _run("behind" if side == "before" else "before", fibre, drop, 1, 1)


def _run(side: str, first: int, to: str, to_first: int, count: int) -> Row:
    ends: Row = {"to_first": to_first, "to_last": to_first + count - 1, "splices": count}
    return {"side": side, "first": first, "last": first + count - 1, "to": to, **ends}


def patch_rows(lines: Sequence[Line]) -> list[Row]:
    """A row of the layer ``patches`` for every fibre that is lit in a hut."""
    rows: list[Row] = []
    for line, number, cable, uses in spans_of(lines):
        before, behind = line.hut_names[number : number + 2]
        for use in uses:
            if use.use != "spare":
                rows += _patched(before, "behind", behind, line, cable, use)
                rows += _patched(behind, "before", before, line, cable, use)
    return sorted(rows, key=lambda row: (row["hut"], row["cable"], row["side"], row["fibre"]))


def _patched(hut: str, side: str, far: str, line: Line, cable: int, use: FibreUse) -> list[Row]:
    """The fibres of one use in one hut; a fibre that is opened on the way ends in the nearest drop, one that feeds a
    tree in its splitter."""
    nearest = use.drops[0 if side == "behind" else -1].connection.name if use.drops else far
    nearest = f"splitter of {use.use}" if use.tree is not None else nearest
    optics = use.optics[0 if side == "behind" else 1]
    served: Row = {"use": use.use, "to": nearest, "equipment": optics or line.rules.hut_equipment}
    where: Row = {"hut": hut, "cable": line.cables[cable], "side": side}
    return [
        {**where, "fibre": fibre, **fibre_colours(fibre, line.rules), **served}
        for fibre in range(use.first, (use.last if use.tree is None else use.first) + 1)
    ]
