"""What a list of built plant must hold to be laid out: names, order, whole reels, marks that fit the route."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from trassa.errors import InputError
from trassa.optical.parts import verges_of
from trassa.optical.plant.built import ONE_PLACE_M, AsBuilt, BuiltItem, BuiltSection, places_of
from trassa.optical.plant.lengths import Verge
from trassa.optical.settings import OpticalSettings
from trassa.road.model import Road

__all__ = ["LEAST_SHEATH_RATIO", "MOST_SHEATH_M", "MOST_SHEATH_RATIO", "require_sound"]

LEAST_SHEATH_RATIO = 0.98
"""Sheath between two marks over route: no less than this, since a map may be off by so much."""

MOST_SHEATH_RATIO, MOST_SHEATH_M = 1.25, 100.0
"""Sheath between two marks, less the listed loops: no more than so much of the route and so many metres on top."""


def require_sound(items: Sequence[BuiltItem], lines: Sequence[str], road: Road, rules: OpticalSettings) -> None:
    """Raise :class:`InputError` for the first fault of a list; ``lines`` says of each row where the file has it."""
    where = dict(zip(map(id, items), lines, strict=True))
    found = _List(where, road)
    found.require_names(items)
    for key in dict.fromkeys((item.section, item.cable) for item in items):
        mine = [item for item in items if (item.section, item.cable) == key]
        found.require_order(mine)
        found.require_places(mine)
        found.require_ends(mine)
    verges = verges_of(road, rules)
    found.require_apart(items, verges)
    for section in AsBuilt.of(items).sections:
        found.require_marks(section, items, verges[section.cable])


class _List:
    """The rows of a file with their lines, to name them by."""

    def __init__(self, line_of: dict[int, str], road: Road) -> None:
        self._line_of, self._road = line_of, road

    def _line(self, item: BuiltItem) -> str:
        return self._line_of[id(item)]

    def require_names(self, items: Sequence[BuiltItem]) -> None:
        """A name of its own for each, except for one joint or hut in which two sections or cables meet."""
        seen: dict[str, BuiltItem] = {}
        for item in items:
            old = seen.setdefault(item.name, item)
            if old is item or self._line(old) == self._line(item):
                continue
            same = old.item == item.item and abs(old.measure_m - item.measure_m) <= ONE_PLACE_M
            if not (same and (old.section, old.cable) != (item.section, item.cable)):
                raise InputError(
                    f"{self._line(item)}: {item.name!r} stands twice, first in {self._line(old)}",
                    cure="a name of its own for each",
                )
            if old.cable == item.cable and abs(old.splice_loss_db - item.splice_loss_db) > 0.0:
                raise InputError(
                    f"{self._line(item)}: splice_loss_db {item.splice_loss_db:g} of {item.name!r}, but "
                    f"{old.splice_loss_db:g} in {self._line(old)}",
                    cure="one mean for all splices in a closure",
                )

    def require_order(self, mine: Sequence[BuiltItem]) -> None:
        """Rows of one kind follow the road, one way or the other."""
        for kind in dict.fromkeys(item.item for item in mine):
            rows = [item for item in mine if item.item == kind]
            sense = rows[-1].measure_m - rows[0].measure_m
            for before, after in pairwise(rows):
                if (after.measure_m - before.measure_m) * sense < 0.0:
                    raise InputError(
                        f"{self._line(after)}: {kind} {after.name!r} at {self._road.text(after.measure_m)} stands "
                        f"behind {before.name!r} at {self._road.text(before.measure_m)}, against the order of section "
                        f"{after.section!r}",
                        cure=f"rows of one kind in order along the road, or the right position of {after.name!r}",
                    )

    def require_places(self, mine: Sequence[BuiltItem]) -> None:
        """At one place one chamber, and in it one hut, joint or tap, with one loop and one reading of the sheath."""
        for group in places_of(mine):
            chambers = [item for item in group if item.item == "chamber"]
            for alike in (chambers, [item for item in group if item.item != "chamber"]):
                for item in alike[1:]:
                    raise InputError(
                        f"{self._line(item)}: {item.item} {item.name!r} stands within {ONE_PLACE_M:g} m of "
                        f"{alike[0].item} {alike[0].name!r} ({self._line(alike[0])})",
                        cure="one chamber at a place, and one hut, joint or tap in it; a drop may leave a joint too",
                    )
            for what in ("loop_m", "mark_in_m", "mark_out_m"):
                said = [item for item in group if not math.isnan(getattr(item, what))]
                for item in said[1:]:
                    raise InputError(
                        f"{self._line(item)}: {what} of {item.name!r} beside that of {said[0].name!r} at the same "
                        f"place ({self._line(said[0])})",
                        cure="once for each place",
                    )

    def require_ends(self, mine: Sequence[BuiltItem]) -> None:
        """A section has two places at least, and ends in a joint or a hut on both sides."""
        groups = places_of(mine)
        if len(groups) < 2:
            raise InputError(
                f"{self._line(mine[0])}: section {mine[0].section!r} has one place only", cure="two joints or huts"
            )
        for end, group in (("begins", groups[0]), ("ends", groups[-1])):
            if not any(item.item in ("hut", "joint") for item in group):
                item = group[0]
                raise InputError(
                    f"{self._line(item)}: section {item.section!r} {end} at {item.item} {item.name!r}, where the cable "
                    "passes uncut",
                    cure="the section up to a joint or a hut, where reels end",
                )
        for item in groups[-1]:
            for name in ("attenuation_1310_db_per_km", "attenuation_1550_db_per_km"):
                if not math.isnan(value := getattr(item, name)):
                    raise InputError(
                        f"{self._line(item)}: {name} {value:g} of {item.name!r}, behind which section "
                        f"{item.section!r} has no reel",
                        cure="in the row of the joint or hut where the reel begins, with growing measure",
                    )

    def require_apart(self, items: Sequence[BuiltItem], verges: Sequence[Verge]) -> None:
        """No two sections of a cable overlap, and every hut within a section is listed in it."""
        sections = AsBuilt.of(items).sections
        for before, after in pairwise(sections):
            if before.cable == after.cable and after.extent.start_m < before.extent.end_m:
                raise InputError(
                    f"{self._named(items, after)}: section {after.name!r} begins at "
                    f"{self._road.text(after.extent.start_m)}, before {before.name!r} ends at "
                    f"{self._road.text(before.extent.end_m)}",
                    cure="every place in one section; where two meet, the same joint or hut in both",
                )
        for hut in (item for item in items if item.item == "hut"):
            for section in sections:
                if section.extent.contains(hut.measure_m) and hut.name not in [p.hut for p in section.places]:
                    raise InputError(
                        f"{self._line(hut)}: hut {hut.name!r} stands within section {section.name!r} of "
                        f"C-{section.cable + 1}, which does not list it",
                        cure=f"cable 'C-1,C-2', or section {section.name!r} in two up to the hut",
                    )
        if len(verges) == 2 and verges[0] is verges[1]:
            self._require_one_trench(items, sections)

    def _require_one_trench(self, items: Sequence[BuiltItem], sections: Sequence[BuiltSection]) -> None:
        """Cables in one trench lie in the same chambers."""
        first = {tuple(p.measure_m for p in s.places) for s in sections if s.cable == 0}
        for section in sections:
            if section.cable == 1 and tuple(p.measure_m for p in section.places) not in first:
                raise InputError(
                    f"{self._named(items, section)}: section {section.name!r} of C-2 has not the places of C-1, though "
                    "both lie in one trench",
                    cure="chambers, joints and huts of both cables at the same positions; cable 'C-1,C-2' says both",
                )

    def _named(self, items: Sequence[BuiltItem], section: BuiltSection) -> str:
        """Where the file has the first row of a section."""
        at_m, names = section.extent.start_m, section.name.split(", ")
        mine = [item for item in items if item.cable == section.cable and item.section in names]
        return self._line(min(mine, key=lambda item: abs(item.measure_m - at_m)))

    def require_marks(self, section: BuiltSection, items: Sequence[BuiltItem], verge: Verge) -> None:
        """Sheath between two marks neither shorter than the route nor far longer, and marks of a reel in one sense."""
        sense, reel_m = 0.0, math.nan
        marks = {p.measure_m: p for p in section.places}
        ends_m = [p.measure_m for p in section.places if p.ends_reel]
        for piece in section.marked:
            before, after = marks[piece.start_m], marks[piece.end_m]
            step = after.mark_in_m - before.mark_out_m
            began_m = max(m for m in ends_m if m <= piece.start_m)
            sense, reel_m = (sense if began_m == reel_m else 0.0), began_m
            route_m = float(verge.route_at(piece.end_m) - verge.route_at(piece.start_m))
            stored_m = sum(p.loop_m or 0.0 for p in section.places if piece.start_m <= p.measure_m <= piece.end_m)
            least_m, most_m = LEAST_SHEATH_RATIO * route_m, MOST_SHEATH_RATIO * route_m + stored_m + MOST_SHEATH_M
            turned = step * sense < 0.0
            if turned or not least_m <= piece.sheath_m <= most_m:
                row = self._marked_row(items, section, after.measure_m)
                told = "counts back" if turned else f"leaves {piece.sheath_m:.1f} m of sheath"
                raise InputError(
                    f"{self._line(row)}: mark {after.mark_in_m:g} of {row.name!r} {told} behind mark "
                    f"{before.mark_out_m:g} at {self._road.text(piece.start_m)}; {route_m:.1f} m of route take "
                    f"{least_m:.1f}..{most_m:.1f} m",
                    cure="the metres as printed, one reel counting one way; mark_in_m and mark_out_m where reels meet",
                )
            sense = step or sense

    def _marked_row(self, items: Sequence[BuiltItem], section: BuiltSection, measure_m: float) -> BuiltItem:
        mine = [i for i in items if i.cable == section.cable and not math.isnan(i.mark_in_m)]
        return min(mine, key=lambda item: abs(item.measure_m - measure_m))
