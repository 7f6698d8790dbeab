"""The toll context of a road: the tariff systems in force on it, and the toll points they share.

One physical toll point may be a node of two systems (M-11 km 58): there a passage ends the trip in one and begins
one in the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trassa import __version__
from trassa.errors import InputError
from trassa.toll.read import digest_of
from trassa.toll.tariff import TariffSystem, TollPoint
from trassa.toll.tariff_file import read_tariff, tariff_path

__all__ = ["TollContext", "read_context"]


@dataclass(frozen=True)
class TollContext:
    """Tariff systems by name, in the order in which the road names them."""

    systems: Mapping[str, TariffSystem]

    @cached_property
    def edition(self) -> str:
        """A hash that changes with any word of any tariff file, and with the program that reads them."""
        return digest_of(__version__, *((name, system.sha256) for name, system in sorted(self.systems.items())))[:32]

    @cached_property
    def points(self) -> Mapping[str, TollPoint]:
        """Every toll point by id, each once."""
        return {point.id: point for system in self.systems.values() for point in system.points}

    @cached_property
    def _systems_at(self) -> Mapping[str, tuple[TariffSystem, ...]]:
        return {
            ident: tuple(system for system in self.systems.values() if ident in system.point) for ident in self.points
        }

    def systems_at(self, toll_point: str) -> tuple[TariffSystem, ...]:
        """The systems that a toll point belongs to; none where it is not known."""
        return self._systems_at.get(toll_point, ())

    @cached_property
    def _boundaries(self) -> Mapping[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for one in self.systems.values():
            for other in self.systems.values():
                shared = sorted(one.point.keys() & other.point.keys())
                if one is not other and len(shared) == 1 and one.kind == other.kind == "matrix":
                    found[one.system, other.system] = shared[0]
        return found

    def boundary(self, one: str, other: str) -> str | None:
        """The one toll point at which two matrix systems meet; none where there is none or more than one."""
        return self._boundaries.get((one, other))


def read_context(names: Sequence[str], folder: Path) -> TollContext:
    """The context of bundled names and TOML files in a folder; a clear error where they contradict each other."""
    systems: dict[str, TariffSystem] = {}
    places: dict[str, tuple[TollPoint, str]] = {}
    for name in names:
        system = read_tariff(tariff_path(name, folder))
        if system.system in systems:
            raise InputError(
                f"tariff: {system.file} is system {system.system!r}, as is {systems[system.system].file}",
                cure="put its versions into one file",
            )
        for point in system.points:
            known, file = places.setdefault(point.id, (point, system.file))
            if _stand(known) != _stand(point):
                raise InputError(
                    f"tariff: toll point {point.id} is {_place(known)} in {file} and {_place(point)} in {system.file}",
                    cure="one place has one kilometre; correct it, or give the other point another id",
                )
        systems[system.system] = system
    return TollContext(systems)


def _place(point: TollPoint) -> str:
    named = point.at if point.km is None else f"{point.at} km {point.km:g}"
    return named if point.latitude_deg is None else f"{named} ({point.latitude_deg}, {point.longitude_deg})"


def _stand(point: TollPoint) -> tuple[float | str | None, ...]:
    return point.at, point.km, point.latitude_deg, point.longitude_deg
