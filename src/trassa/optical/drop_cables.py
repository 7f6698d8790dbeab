"""The cables of the drops: how many fibres each has, which of them goes where, and what is left for later.

::

    main cable ──╂── before          fibres 1–n of the drop go to the side before, n+1–2n to the side behind:
                 ┃                   a fibre that serves a connection is opened at its tap and led into the
                 ┃ drop              drop at both ends; to a place on a tree fibre 1 alone, from the splitter
                 ┃
              equipment              fibres in use end on pigtails and are patched, spare ones lie coiled
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from trassa.errors import InputError
from trassa.optical.access.trees import Tree
from trassa.optical.fibre_plan import FibreUse, fibre_colours, spans_of
from trassa.optical.line import Line
from trassa.optical.plant.drops import Drop
from trassa.optical.settings import OpticalSettings

__all__ = ["DropCable", "drop_cable_rows", "drop_cables_of", "drop_fibre_rows"]

Row = dict[str, int | float | str | bool]


@dataclass(frozen=True)
class _End:
    """One way out of a drop: the side of the tap, what light meets there first, and over which transceivers.

    Where that is at the tap too, a hut or the next drop, light takes no fibre of the cable (``over_cable`` false).
    """

    side: str
    far: str
    optics: str
    over_cable: bool


@dataclass(frozen=True)
class DropCable:
    """One drop with its cable: ``fibres`` in all, of which each end takes ``each``, the first the first.

    ``first`` is the fibre of the main cable that the first of either end is spliced to.
    """

    drop: Drop
    cable: str
    first: int
    each: int
    fibres: int
    ends: tuple[_End, ...]

    @property
    def in_use(self) -> int:
        """Fibres in use, towards all ends."""
        return self.each * len(self.ends)


def drop_cables_of(lines: Sequence[Line]) -> list[DropCable]:
    """The cable of every drop, in order of line, span and tap.

    Raises :class:`InputError` naming the drop that no size of ``optical.drop_fibres`` holds, growth included.
    """
    found: list[DropCable] = []
    for line, span, cable, uses in spans_of(lines):
        for use in uses:
            for drop, ends in zip(use.drops, _ends(line, span, use), strict=True):
                each = use.last - use.first + 1
                fibres = _fibres(drop, 2 * each, line.rules)
                found.append(DropCable(drop, line.cables[cable], use.first, each, fibres, ends))
            if use.tree is not None:
                found += _branches(use, use.tree, line, line.cables[cable])
    return found


def _branches(use: FibreUse, tree: Tree, line: Line, cable: str) -> Iterator[DropCable]:
    """The drops of a tree: one fibre each, from the splitter."""
    for branch in tree.branches:
        side = "" if not branch.fibre else "behind" if branch.drop.tap_m < tree.splitter_m else "before"
        end = _End(side, f"splitter of {use.use}", tree.pon.name, branch.fibre > 0)
        fibres = _fibres(branch.drop, 1, line.rules)
        yield DropCable(branch.drop, cable, use.first + branch.fibre - 1, 1, fibres, (end,))


def _fibres(drop: Drop, used: int, rules: OpticalSettings) -> int:
    """The smallest cable that holds what is used and its growth."""
    wanted = math.ceil(round(used * (1.0 + rules.growth_ratio), 9))
    size = next((size for size in rules.drop_fibres if size >= wanted), None)
    if size is None:
        raise InputError(
            f"optical: the drop to {drop.connection.name} needs {wanted} fibres ({used} in use and growth), "
            f"the largest of optical.drop_fibres has {rules.drop_fibres[-1]}",
            cure=f"a size of {wanted} or more in optical.drop_fibres",
        )
    return size


def _ends(line: Line, span: int, use: FibreUse) -> list[tuple[_End, _End]]:
    """Both ways out of each drop of one use, in the order of its drops."""
    if not use.drops:
        return []
    optics, huts = line.chain.spans[span].optics, line.hut_names[span : span + 2]
    huts_m = [hut.measure_m for hut in line.chain.huts[span : span + 2]]
    ring = next((ring for ring in optics.rings if ring.drops == use.drops), None)
    inside = use.drops if ring else ()
    names = [huts[0], *(drop.connection.name for drop in inside), huts[1]]
    at_m = [huts_m[0], *(drop.tap_m for drop in inside), huts_m[1]]
    if ring:
        classes = [segment.optics.name for segment in ring.segments]
    else:
        classes = [optics.links(side)[optics.drops.index(use.drops[0])].optics.name for side in (0, 1)]
    apart = len(names) - len(use.drops)
    return [
        (
            _End("before", names[at], classes[at], at_m[at] < drop.tap_m),
            _End("behind", names[at + apart], classes[at + 1], at_m[at + apart] > drop.tap_m),
        )
        for at, drop in enumerate(use.drops)
    ]


def drop_cable_rows(cables: Sequence[DropCable], closure_at: Mapping[tuple[str, float], str]) -> list[Row]:
    """A row of the layer ``drop_cables`` for every drop; ``closure_at`` names closures by cable and measure."""
    return [
        {
            "connection": row.drop.connection.name,
            "measure_m": row.drop.tap_m,
            "carriageway": row.drop.connection.carriageway,
            "cable": row.cable,
            "closure": closure_at[row.cable, row.drop.tap_m],
            "fibres": row.fibres,
            "in_use": row.in_use,
            "route_m": row.drop.lengths.route_m,
            "sheath_m": row.drop.lengths.sheath_m,
            "fibre_m": row.drop.lengths.fibre_m,
            "crosses": row.drop.crosses,
        }
        for row in cables
    ]


def drop_fibre_rows(cables: Sequence[DropCable], rules: OpticalSettings) -> list[Row]:
    """A row of the layer ``drop_fibres`` for every fibre of every drop."""
    rows: list[Row] = []
    for row in cables:
        name, first, count = row.drop.connection.name, row.first, row.each
        for number in range(1, row.fibres + 1):
            mark: Row = {"connection": name, "fibre": number, **fibre_colours(number, rules)}
            if number > row.in_use:
                rows.append({**mark, "side": "", "cable_fibre": 0, "to": "", "equipment": "", "end": "coiled"})
                continue
            end, place = row.ends[(number - 1) // count], (number - 1) % count
            led: Row = {"side": end.side, "cable_fibre": first + place if end.over_cable else 0}
            led |= {"to": end.far, "equipment": end.optics}
            rows.append({**mark, **led, "end": "patched"})
    return rows
