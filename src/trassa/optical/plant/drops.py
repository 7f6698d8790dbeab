"""What is connected, and the branch that brings it to the cable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trassa.linear import Carriageway, Extent
from trassa.optical.plant.lengths import Lengths, Verge
from trassa.optical.service_settings import RADIO_SITE
from trassa.optical.settings import OpticalSettings

__all__ = ["Connection", "Drop", "Refusal", "drops_of"]


@dataclass(frozen=True)
class Connection:
    """Something to be connected beside the road: a radio site, a gantry, a camera.

    ``offset_m`` is its distance from the carriageway's axis, of either sign, outwards on the side of ``carriageway``;
    ``service`` the name of its service class.
    """

    name: str
    measure_m: float
    carriageway: Carriageway
    offset_m: float
    service: str = RADIO_SITE


@dataclass(frozen=True)
class Drop:
    """The branch from the cable to a connection: where it taps the cable, how long it is, whether it crosses."""

    connection: Connection
    tap_m: float
    lengths: Lengths
    crosses: bool


@dataclass(frozen=True)
class Refusal:
    """Why a span cannot be built: what fails, with its value and bound, and what would cure it."""

    reason: str
    cure: str


def drops_of(connections: Sequence[Connection], verge: Verge, line: Extent, rules: OpticalSettings) -> list[Drop]:
    """The drops of connections to the cable along ``line``, in order of their taps.

    A tap lies where a chamber may stand. The drop runs along the trench from there, then out to the connection.
    """
    drops: list[Drop] = []
    for connection in connections:
        tap_m = verge.nearest_open(connection.measure_m, line)
        crosses = connection.carriageway != verge.carriageway
        along_m = abs(float(verge.route_at(connection.measure_m) - verge.route_at(tap_m)))
        route_m = along_m + _across_m(connection.offset_m, rules, crosses=crosses)
        loops_m = rules.closure_loop_m / 2.0 + rules.termination_loop_m
        lengths = Lengths.laid(route_m, slack_ratio=rules.slack_ratio, loops_m=loops_m, helix_ratio=rules.helix_ratio)
        drops.append(Drop(connection, tap_m, lengths, crosses))
    return sorted(drops, key=lambda drop: (drop.tap_m, drop.connection.measure_m, drop.connection.name))


def _across_m(offset_m: float, rules: OpticalSettings, *, crosses: bool) -> float:
    """From the trench to a connection: outwards or back towards the road on its own side; on the other side under the
    road, as far as the trench is from it, and on to what stands beyond."""
    beyond_m = abs(offset_m) - rules.verge_offset_m
    return rules.crossing_m + max(beyond_m, 0.0) if crosses else abs(beyond_m)
