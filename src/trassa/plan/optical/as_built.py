"""What of the line stands already: the project's list, or what the last run kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trassa.optical.as_built.listing import read_as_built
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt
from trassa.plan.amounts import amount_text
from trassa.plan.project import Project
from trassa.plan.store import StageResult
from trassa.road.model import Road

__all__ = ["built_notes", "built_of", "kept_as_built"]

_NAMED = 5


def built_of(project: Project, road: Road) -> AsBuilt:
    """The list of the project; nothing where it names none. Raises :class:`InputError` for a fault in it."""
    rules = project.settings.optical
    return read_as_built(project.path(rules.as_built), road, rules) if rules.as_built else NOTHING_BUILT


def kept_as_built(optical: StageResult) -> AsBuilt:
    """What the last run read, from its layer."""
    return AsBuilt.of_layer(optical.layers["as_built"])


def built_notes(as_built: AsBuilt, part: Mapping[str, Any], road: Road, currency: str) -> list[str]:
    """What stands and what it would cost new, in a sentence; ``part`` are the figures of the built part."""
    if not as_built.sections:
        return []
    places = [road.span_text(section.extent.start_m, section.extent.end_m) for section in as_built.sections]
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return [
        f"optical: {part['route_m'] / 1000.0:.1f} km of trench and {part['sheath_m'] / 1000.0:.1f} km of cable "
        f"stand as built ({', '.join(dict.fromkeys(places[:_NAMED]))}{more}); at the prices of the bill that is worth "
        f"{amount_text(part['cost_minor'], currency)}, which the bill leaves out",
        *_measured_notes(as_built),
    ]


def _measured_notes(as_built: AsBuilt) -> list[str]:
    places = [place for section in as_built.sections for place in section.places]
    closures = sum(place.splice_loss_db == place.splice_loss_db for place in places)
    reels = sum(any(value == value for value in place.attenuation_db_per_km) for place in places)
    if not closures and not reels:
        return []
    told = (
        f"{closures} closures and {reels} reels of what stands lose what was measured there, all else what is planned"
    )
    return [f"optical: {told}"]
