"""What a trip costs by the published tables: the twin's own reading of them, so that it can judge.

Nothing here is shared with the toll engine but the tariff files, which are read as plain data. Rules, for systems
priced by entry and exit:

1. The moment that counts is the exit (or the entry, where the table says so), in the table's own zone.
2. Between the end and the start of the tariff day it is night; an exit after midnight but before the end of the
   tariff day belongs to the day before.
3. A date that the order prices as another day is that day; else the day of the week counts.
4. A pair, class, payment or hour that the table does not list has no price: the trip is held, never free.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trassa.errors import InputError, UsageError
from trassa.live.roadway import Roadway

__all__ = ["Point", "PriceList", "Unpriced", "price_lists", "unjudged_systems"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Point:
    """A toll point of a system: which node of the matrix it stands for, at which published kilometre."""

    id: str
    km: float
    node: str
    is_main_line: bool


class Unpriced(Exception):
    """The table has no price; the text says for want of what: ``pair``, ``class``, ``payment``, ``hour``, ``time``."""


class PriceList:
    """One tariff system priced by entry and exit. Amounts are in minor units of ``currency``."""

    def __init__(self, said: dict[str, Any], place: str) -> None:
        try:
            self.system: str = said["system"]
            self.currency: str = said["currency"]
            self.longest_trip_ms = int(said["longest_trip_h"] * 3_600_000)
            self.points = tuple(
                Point(p["id"], float(p["km"]), p["node"], p.get("at", "main line") == "main line")
                for p in said["toll_point"]
            )
            self._zone = ZoneInfo(said["zone"])
            self._unit_minor = int(said["price_unit_minor"])
            self._payments = {means: name for name, listed in said["payments"].items() for means in listed}
            self._versions = sorted(said["version"], key=lambda version: version["from"])
        except KeyError as error:
            raise InputError(f"tariff: {place} lacks {error}", cure=f"trassa toll check {place}") from None

    def nodes(self) -> dict[str, float]:
        """Kilometre of each node; the first of its toll points counts."""
        return {point.node: point.km for point in reversed(self.points)}

    def priced_pairs(self, vehicle_class: str, means: str, time_ms: int) -> list[tuple[str, str]]:
        """Every directed pair that the tables list for a class and means of payment at a moment.

        :raises UsageError: no version is in force then, so that there is nothing to judge by.
        """
        local = self._local(time_ms)
        try:
            version = self._version(local)
        except Unpriced:
            since = ", ".join(f"{version['from']:%Y-%m-%d}" for version in self._versions)
            raise UsageError(
                f"drive: {self.system} has no prices in force on {local:%Y-%m-%d %H:%M}",
                cure=f"--start within one of its versions, which begin on {since}",
            ) from None
        return [
            (start, end)
            for table in version["table"]
            if table["class"] == vehicle_class and table["payment"] == self._payments.get(means)
            for start, end, _ in _rows(table)
        ]

    def price_minor(self, start: str, end: str, *, entry_ms: int, exit_ms: int, vehicle_class: str, means: str) -> int:
        """The price from node to node; :class:`Unpriced` where the tables have none."""
        if means not in self._payments:
            raise Unpriced("payment")
        version = self._version(self._local(exit_ms))
        local = self._local(entry_ms if version["time_base"] == "entry" else exit_ms)  # RULE 1
        tables = [table for table in version["table"] if table["class"] == vehicle_class]
        if not tables:
            raise Unpriced("class")  # RULE 4
        tables = [table for table in tables if table["payment"] == self._payments[means]]
        if not tables:
            raise Unpriced("payment")  # RULE 4
        profile = self._profile(version, local)
        for table in tables:
            for row_start, row_end, prices in _rows(table):
                if (row_start, row_end) == (start, end):
                    if profile not in table["columns"]:
                        raise Unpriced("hour")  # RULE 4
                    return int(prices[table["columns"].index(profile)]) * self._unit_minor
        raise Unpriced("pair")  # RULE 4

    def _local(self, time_ms: int) -> datetime:
        # whole seconds: no rule of a table is finer, and 00:59:59.9 is still the day before
        return datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(self._zone)

    def _version(self, local: datetime) -> dict[str, Any]:
        wall = local.replace(tzinfo=None)
        in_force = [v for v in self._versions if v["from"] <= wall and ("to" not in v or wall < v["to"])]
        if not in_force:
            raise Unpriced("time")
        newest: dict[str, Any] = in_force[-1]
        return newest

    @staticmethod
    def _profile(version: dict[str, Any], local: datetime) -> str:
        starts: time = version.get("day_starts", time(0))
        ends: time = version.get("day_ends", time(0))
        clock = local.time()
        kind = "night" if ends <= clock < starts else _kind_of_day(version, local, ends)  # RULE 2
        for name, kinds in version["profiles"].items():
            if kind in kinds:
                return str(name)
        raise Unpriced("hour")  # RULE 4


def price_lists(roadway: Roadway) -> tuple[PriceList, ...]:
    """The price lists in force on a road, of the kind that the twin can judge; empty where the road is free."""
    said = _tariffs(roadway)
    return tuple(PriceList(body, file.name) for file, body in said if body.get("kind") == "matrix")


def unjudged_systems(roadway: Roadway) -> list[str]:
    """The systems in force that are priced in another way than by entry and exit."""
    return [str(body.get("system", file.name)) for file, body in _tariffs(roadway) if body.get("kind") != "matrix"]


def _tariffs(roadway: Roadway) -> list[tuple[Path, dict[str, Any]]]:
    found = []
    for name in roadway.settings.toll.systems:
        file = _tariff_file(roadway, name)
        with file.open("rb") as stream:
            found.append((file, tomllib.load(stream)))
    return found


def _tariff_file(roadway: Roadway, name: str) -> Path:
    if name.endswith(".toml"):
        return roadway.plan.project.path(name)
    file = Path(str(files("trassa"))) / "toll" / "tariffs" / f"{name}.toml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.toml")))
        raise InputError(f"toll: there is no tariff system {name!r}", cure=f"one of {known}, or a .toml file in inputs")
    return file


def _kind_of_day(version: dict[str, Any], local: datetime, ends: time) -> str:
    day: date = local.date() - timedelta(days=1) if local.time() < ends else local.date()
    for kind, dates in version.get("calendar", {}).get("priced_as", {}).items():  # RULE 3
        if day in dates:
            return str(kind)
    return _DAYS[day.weekday()]


def _rows(table: dict[str, Any]) -> list[tuple[str, str, list[int]]]:
    """Rows as from, to, prices; a table of one origin names it once."""
    origin = table.get("from")
    if origin is None:
        return [(row[0], row[1], row[2:]) for row in table["rows"]]
    return [(origin, row[0], row[1:]) for row in table["rows"]]
