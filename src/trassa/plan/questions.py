"""Single questions about a project's road, answered from the road stage alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import InputError, UsageError
from trassa.linear import ARROWS, Carriageway, KmLabel, Position
from trassa.linear.picket import Picket
from trassa.plan.project import open_project
from trassa.plan.stages import surveyed
from trassa.road.locate import Locator
from trassa.road.model import Road
from trassa.road.refs import folded_ref

__all__ = ["LocatedPlace", "PostList", "list_posts", "locate_place", "position_of", "road_of"]


def road_of(folder: Path) -> Road:
    """The road of a project; surveyed now where it is not in the store yet."""
    return surveyed(open_project(folder)).road


@dataclass(frozen=True)
class LocatedPlace:
    """A point on Earth and the same point on the road. ``offset_m`` is the distance from the carriageway."""

    road: Road
    carriageway: Carriageway
    measure_m: float
    offset_m: float
    latitude_deg: float
    longitude_deg: float

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {
            "road": self.road.ref,
            "carriageway": self.carriageway,
            "measure_m": round(self.measure_m, 3),
            "km": round(float(self.road.calibration.km(self.measure_m)), 6),
            "label": self.road.calibration.text(self.measure_m),
            "offset_m": round(self.offset_m, 2),
            "latitude_deg": round(self.latitude_deg, 7),
            "longitude_deg": round(self.longitude_deg, 7),
        }

    def text(self) -> str:
        """One line for a terminal."""
        place = f"{self.road.text(self.measure_m)} {ARROWS[self.carriageway]}"
        where = f"{self.latitude_deg:.6f} {self.longitude_deg:.6f}"
        return f"{place}  measure {self.measure_m:.1f} m, {self.offset_m:.1f} m off the carriageway, at {where}"


def locate_place(folder: Path, place: Sequence[str]) -> LocatedPlace:
    """Locate ``LAT LON`` on the road, or a written position on Earth."""
    road = road_of(folder)
    options = [word for word in place if word.startswith("--")]
    if options:
        raise UsageError(f"locate: no such option {options[0]}", cure="trassa road locate --help")
    numbers = _degrees(place)
    if numbers is None:
        return _place_of(road, position_of(folder, road, " ".join(place)))
    latitude_deg, longitude_deg = numbers
    found = Locator(road).locate([latitude_deg], [longitude_deg])
    carriageway: Carriageway = found.carriageway[0]
    measure_m, offset_m = float(found.measure_m[0]), abs(float(found.offset_m[0]))
    return LocatedPlace(road, carriageway, measure_m, offset_m, latitude_deg, longitude_deg)


def position_of(folder: Path, road: Road, text: str) -> Position:
    """A written position on a project's road; picketage becomes a label where the project gives ПК 0."""
    origin = open_project(folder).settings.road.picket_origin
    found = Picket.read(text) if origin else None
    if found is None:
        return Position.parse(text, road=road.ref)
    named, picket = found
    measure_m = road.calibration.measure(KmLabel.parse(origin)) + picket.distance_m
    if measure_m > road.length_m:
        raise InputError(
            f"picket: {text!r} lies {measure_m - road.length_m:.0f} m behind the end of {road.ref}",
            cure=f"a picket before {road.text(road.length_m)}",
        )
    return Position(named or road.ref, road.calibration.label(measure_m))


def _degrees(place: Sequence[str]) -> tuple[float, float] | None:
    try:
        latitude_deg, longitude_deg = (float(word) for word in place)
    except ValueError:
        return None
    if not -90.0 <= latitude_deg <= 90.0:
        raise InputError(f"locate: latitude {latitude_deg:g}° lies outside ±90°", cure="latitude first, then longitude")
    if not -180.0 <= longitude_deg <= 180.0:
        raise InputError(f"locate: longitude {longitude_deg:g}° lies outside ±180°", cure="degrees, east positive")
    return latitude_deg, longitude_deg


def _place_of(road: Road, position: Position) -> LocatedPlace:
    if folded_ref(position.road) != folded_ref(road.ref):
        raise InputError(f"locate: {position} is on another road than {road.ref}", cure=f"{road.ref} {position.label}")
    measure_m = road.calibration.measure(position.label)
    carriageway = position.carriageway or road.reference
    if carriageway not in road.alignments:
        raise UsageError(f"locate: {road.ref} has no {carriageway} carriageway", cure="leave the arrow out")
    latitude_deg, longitude_deg = Locator(road).point(carriageway, measure_m)
    return LocatedPlace(road, carriageway, measure_m, 0.0, float(latitude_deg), float(longitude_deg))


@dataclass(frozen=True)
class PostList:
    """The posts of a road as the calibration took them."""

    road: Road
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The list as JSON."""
        posts = [_json_row(row) | {"label": self.road.calibration.text(row["measure_m"])} for row in self._rows()]
        return {"road": self.road.ref, "posts": posts, "notes": list(self.notes)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        header = ["post km", "measure m", "carriageway", "residual m", "accepted", "reason"]
        rows = [
            [
                f"{row['label_km']:.3f}",
                f"{row['measure_m']:.1f}",
                row["carriageway"],
                f"{row['residual_m']:+.0f}",
                "yes" if row["accepted"] else "NO",
                row["reason"],
            ]
            for row in self._rows()
        ]
        return header, rows

    def _rows(self) -> list[dict[str, Any]]:
        return sorted(self.road.posts.rows(), key=lambda row: row["measure_m"])


def list_posts(folder: Path) -> PostList:
    """Posts of a project's road, with what the import found about them."""
    road = road_of(folder)
    kinds = {"rejected_post", "chainage_jump", "stretch", "extrapolated_labels"}
    return PostList(road, tuple(row["detail"] for row in road.findings.rows() if row["kind"] in kinds))  # type: ignore[misc]


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: (None if value != value else value) for key, value in row.items()}
