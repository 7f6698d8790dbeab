"""What is built, in the words of the layers: the rows that were read, names, and the origin of all that is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from trassa.optical.line import Line
from trassa.optical.plant.built import BuiltPlace

__all__ = ["as_built_rows", "built_place", "named", "origin", "reel_origin"]

Row = dict[str, int | float | str | bool]


def as_built_rows(lines: Sequence[Line]) -> list[Row]:
    """The rows of the list, in its order."""
    return [
        {
            "section": item.section,
            "item": item.item,
            "name": item.name,
            "cable": f"C-{item.cable + 1}",
            "measure_m": item.measure_m,
            "loop_m": item.loop_m,
            "mark_in_m": item.mark_in_m,
            "mark_out_m": item.mark_out_m,
            "splice_loss_db": item.splice_loss_db,
            "attenuation_1310_db_per_km": item.attenuation_1310_db_per_km,
            "attenuation_1550_db_per_km": item.attenuation_1550_db_per_km,
        }
        for item in lines[0].as_built.items
    ]


def origin(*, built: bool) -> str:
    """How the layers tell built plant from planned."""
    return "as built" if built else "planned"


def built_place(line: Line, cables: Sequence[int], measure_m: float) -> BuiltPlace | None:
    """What is listed at a chamber that some cables share."""
    for cable in cables:
        for section in line.built_on(cable):
            if section.extent.start_m <= measure_m <= section.extent.end_m:
                found = next((place for place in section.places if place.measure_m == measure_m), None)
                if found is not None:
                    return found
    return None


def reel_origin(line: Line, cable: int, start_m: float, end_m: float) -> str:
    """Whether a reel lies in a built section."""
    extents = [section.extent for section in line.built_on(cable)]
    return origin(built=any(e.start_m <= start_m and end_m <= e.end_m for e in extents))


def named(column: str, letters: str, rows: Sequence[Row], lines: Sequence[Line]) -> list[Row]:
    """Rows with their listed names, the others numbered in order beside them."""
    listed = lines[0].as_built.names
    numbers = (name for number in count(1) if (name := f"{letters}-{number:04d}") not in listed)
    return [{**row, column: row.get(column) or next(numbers)} for row in rows]
