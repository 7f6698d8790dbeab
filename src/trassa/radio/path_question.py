"""A single question: the basic transmission loss of one path profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trassa.radio.p1812 import Climate, Terminals, TransmissionLoss, Wave
from trassa.radio.p1812_bounds import basic_transmission_loss
from trassa.radio.path_log import LogRow, log_rows
from trassa.radio.path_profile import PathProfile
from trassa.radio.path_properties import SEA, path_centre_latitude_deg

__all__ = ["Air", "PathLoss", "path_loss"]

_SHORTEST_KM = 0.25


@dataclass(frozen=True)
class Air:
    """What is known better than the profile file or the method's defaults; None where it is not."""

    dn_per_km: float | None = None
    """Refractivity lapse rate in N-units/km; else the file's, else 45."""
    n0: float | None = None
    """Sea-level surface refractivity in N-units; else the file's, else 325."""
    coast_t_km: float | None = None
    """From the transmitter over land to the coast; else 0 where it stands at sea and 500 elsewhere."""
    coast_r_km: float | None = None
    """The same from the receiver."""


@dataclass(frozen=True)
class PathLoss:
    """The loss of one path and everything it is made of."""

    found: TransmissionLoss
    rows: list[LogRow]
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """As JSON: two results and ``intermediates`` by `LogRow.key`."""
        return {
            "basic_transmission_loss_db": self.found.lb_db,
            "field_strength_dbuv_m": self.found.field_dbuv_per_m,
            "intermediates": {row.key: row.value for row in self.rows},
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for people."""
        return ["quantity", "reference", "value"], [[r.label, r.reference, f"{r.value:.10g}"] for r in self.rows]

    def text(self) -> str:
        """The result in one sentence."""
        loss_db, field = self.found.lb_db, self.found.field_dbuv_per_m
        return f"basic transmission loss {loss_db:.3f} dB; field strength {field:.3f} dBµV/m for 1 kW e.r.p."


def path_loss(profile: PathProfile, antennas_m: tuple[float, float], wave: Wave, air: Air) -> PathLoss:
    """P.1812 over a profile as it was read, with antennas at those heights above ground (transmitter, receiver).

    Raises InputError on a value that the method cannot take.
    """
    terminals = Terminals(
        float(antennas_m[0]),
        float(antennas_m[1]),
        _coast_km(air.coast_t_km, int(profile.zone[0])),
        _coast_km(air.coast_r_km, int(profile.zone[-1])),
    )
    length_km = float(profile.distance_km[-1])
    climate = Climate(
        _first(air.dn_per_km, profile.dn_per_km, 45.0),
        _first(air.n0, profile.n0, 325.0),
        path_centre_latitude_deg(*profile.transmitter_deg, *profile.receiver_deg, length_km),
    )
    found = basic_transmission_loss(
        profile.distance_km,
        profile.ground_m,
        profile.clutter_m,
        profile.zone,
        terminals=terminals,
        wave=wave,
        climate=climate,
    )
    notes = []
    if length_km < _SHORTEST_KM:
        notes.append(f"the path is {length_km:g} km long; P.1812 is made for paths from about {_SHORTEST_KM:g} km")
    return PathLoss(found, log_rows(profile, terminals, wave, climate, found), notes)


def _first(said: float | None, filed: float | None, default: float) -> float:
    return said if said is not None else filed if filed is not None else default


def _coast_km(said_km: float | None, zone: int) -> float:
    return said_km if said_km is not None else 0.0 if zone == SEA else 500.0
