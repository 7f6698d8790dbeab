"""The plan of the optical line: everything that is built in the verge, and what it is worth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.linear import Layer
from trassa.optical.figures import assumptions_of, figures_of, notes_of
from trassa.optical.layers import SCHEMAS
from trassa.optical.line import Line
from trassa.optical.parts import (
    Part,
    built_verges,
    hut_places,
    parts_of,
    pulled_through,
    unbuilt_extents,
    verges_of,
)
from trassa.optical.placement import cheapest_chain
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt
from trassa.optical.plant.drops import Connection, drops_of
from trassa.optical.quantities import Quantity, quantities_of
from trassa.optical.services.fronthaul import Head, fronthaul_rows
from trassa.optical.services.service_tables import connection_rows, service_rows
from trassa.optical.services.site_availability import availability_layer
from trassa.optical.settings import OpticalSettings
from trassa.optical.tables import layers_of
from trassa.optical.wavelength_tables import light_of, wavelength_layers
from trassa.optical.wdm.transmission import Transmission, check_transmission
from trassa.provenance import Assumption, Progress, no_progress
from trassa.road.model import Road

__all__ = ["Connection", "OpticalPlan", "Quantity", "lines_of", "plan_optical"]


@dataclass(frozen=True)
class OpticalPlan:
    """The planned line.

    ``layers`` by schema name; ``figures`` are plain numbers and texts for JSON; ``transmissions`` has one entry per
    uninterrupted line, with GNPy's topology.
    """

    layers: dict[str, Layer]
    quantities: tuple[Quantity, ...]
    assumptions: tuple[Assumption, ...]
    notes: tuple[str, ...]
    figures: Mapping[str, Any]
    transmissions: tuple[Transmission, ...]


def plan_optical(
    road: Road,
    connections: Sequence[Connection],
    settings: OpticalSettings,
    progress: Progress = no_progress,
    heads: Sequence[Head] = (),
    as_built: AsBuilt = NOTHING_BUILT,
) -> OpticalPlan:
    """Plan cables, chambers, closures, huts, spans and links along a road, and cut it everywhere.

    ``heads`` are the connections that send shared cells and hang on one baseband each. What is built stays as it is.

    Each uninterrupted part of the road is planned by itself, at least cost. Raises :class:`InputError` naming the
    kilometre where a limit cannot be held.
    """
    lines, parts = lines_of(road, connections, settings, progress, as_built)
    return _told(road, connections, lines, parts, settings, heads)


def lines_of(
    road: Road,
    connections: Sequence[Connection],
    settings: OpticalSettings,
    progress: Progress = no_progress,
    as_built: AsBuilt = NOTHING_BUILT,
    huts_m: Collection[float] | None = None,
) -> tuple[list[Line], list[Part]]:
    """The lines of a road, each at least cost beside what is built, and the parts of the road that they lie on.

    ``huts_m`` are the measures of all huts of a plan with the same inputs, whose lines are then laid out again without
    the search for huts.
    """
    _checked(connections, road)
    bare = verges_of(road, settings)
    as_built = pulled_through(as_built, bare, road, settings)
    parts = parts_of(road, bare, settings, as_built)
    verges = built_verges(bare, as_built)
    homes = {connection.name: _home(connection, parts, settings) for connection in connections}
    lines: list[Line] = []
    numbers = (name for index in count(1) if (name := f"H-{index:02d}") not in as_built.names)
    for number, part in enumerate(parts, start=1):
        drops = drops_of([c for c in connections if homes[c.name] == number], verges[0], part.line, settings)
        places = hut_places(road, bare, part, settings, as_built)
        share = _share(progress, part, road.length_m)
        chain = cheapest_chain(places, verges, drops, road.text, settings, share, as_built, huts_m)
        suffix = f".{number}" if len(parts) > 1 else ""
        names = [as_built.hut_at(hut.measure_m) or next(numbers) for hut in chain.huts]
        cables = tuple(f"C-{index}{suffix}" for index in range(1, settings.cables + 1))
        trenches = tuple(f"T-{1 if verge is verges[0] else 2}{suffix}" for verge in verges)
        ends = (part.presence_before, part.presence_after)
        lines.append(Line(part.extent, chain, tuple(drops), tuple(names), cables, trenches, *ends, settings, as_built))
    return lines, parts


def _told(
    road: Road,
    connections: Sequence[Connection],
    lines: Sequence[Line],
    parts: Sequence[Part],
    rules: OpticalSettings,
    heads: Sequence[Head],
) -> OpticalPlan:
    connected = {drop.connection.name for line in lines for drop in line.drops}
    unconnected = [c for c in connections if c.name not in connected]
    lights = [light_of(line, road) for line in lines]
    transmissions = tuple(check_transmission(light) for light in lights)
    layers = {**layers_of(lines, road), **wavelength_layers(lines, lights, transmissions)}
    layers["availability"] = availability_layer(lines)
    layers["connections"] = Layer.from_rows(SCHEMAS["connections"], connection_rows(lines, connections))
    layers["services"] = Layer.from_rows(SCHEMAS["services"], service_rows(lines, connections))
    layers["fronthaul_ways"] = Layer.from_rows(SCHEMAS["fronthaul_ways"], fronthaul_rows(lines, heads, rules))
    return OpticalPlan(
        layers,
        quantities_of(lines, rules),
        assumptions_of(lines, road, rules),
        notes_of(lines, unbuilt_extents(road, parts), unconnected, transmissions, road, rules),
        figures_of(lines, layers, unconnected, transmissions, road, rules),
        transmissions,
    )


def _checked(connections: Sequence[Connection], road: Road) -> None:
    names = [connection.name for connection in connections]
    double = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if double:
        raise InputError(f"optical: connection {double[0]} stands twice", cure="one name per site")
    for connection in connections:
        if not -1.0 <= connection.measure_m <= road.length_m + 1.0 or not np.isfinite(connection.offset_m):
            raise InputError(
                f"optical: connection {connection.name} at measure {connection.measure_m:.1f} m, offset "
                f"{connection.offset_m:.1f} m is not on {road.ref} (0–{road.length_m:.0f} m)",
                cure="project it on the road first",
            )


def _home(connection: Connection, parts: Sequence[Part], rules: OpticalSettings) -> int:
    """Number of the part that connects it, counted from 1; 0 where it stands too deep in a hole."""
    away_m = [
        max(part.extent.start_m - connection.measure_m, connection.measure_m - part.extent.end_m, 0.0) for part in parts
    ]
    nearest = int(np.argmin(away_m))
    return nearest + 1 if away_m[nearest] <= rules.stray_limit_m else 0


def _share(progress: Progress, part: Part, length_m: float) -> Progress:
    return lambda share: progress((part.extent.start_m + share * part.extent.length_m) / length_m)
