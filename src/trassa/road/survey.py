"""The road stage: from map, drawing or table of facts to one road that every trade reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trassa.errors import InputError
from trassa.linear import Calibration, Carriageway, Layer, script_of
from trassa.provenance import Progress, no_progress
from trassa.road.attributes import cross_sections_layer, structures_layer
from trassa.road.carriageways import laid_out
from trassa.road.chains import chains_of
from trassa.road.findings import Note, findings_layer
from trassa.road.layers import SCHEMAS
from trassa.road.milestones import milestones_of, posts_along, sense_on
from trassa.road.model import Road
from trassa.road.osm import RoadObjects
from trassa.road.places import masts_layer, places_layer
from trassa.road.posts import JudgedPost, PostRules, calibrated
from trassa.road.reference import Reference, alignments_along, oriented
from trassa.road.refs import read_road
from trassa.road.settings import RoadSettings, TerrainSettings

if TYPE_CHECKING:
    from trassa.road.terrain import Terrain

__all__ = ["posts_layer", "survey", "surveyed_road"]


def survey(
    settings: RoadSettings,
    terrain: Terrain | None,
    terrain_settings: TerrainSettings,
    inputs: Path,
    progress: Progress = no_progress,
) -> Road:
    """Survey the road of a project from the files in its ``inputs`` folder.

    Without terrain heights and gradients are NaN. Raises :class:`~trassa.errors.InputError` where a file cannot be
    used or does not hold the road.
    """
    if settings.osm:
        road = surveyed_road(settings, [inputs / name for name in settings.osm])
    else:
        raise InputError("road: no source is given", cure="road.osm, road.centreline or road.schematic in trassa.toml")
    progress(1.0)
    return road


def surveyed_road(settings: RoadSettings, paths: Sequence[Path], follow: Carriageway | None = None) -> Road:
    """A road from OpenStreetMap extracts, without heights. ``follow`` sets which carriageway carries the measure."""
    objects, ref, road_class = read_road(paths, settings.ref, settings.road_class)
    chains, notes = chains_of(objects.ways.values())
    lines, more = laid_out(chains, settings.hole_max_m)
    milestones, unread = milestones_of(objects.nodes.values(), lines, ref)
    reference = oriented(lines, sense_on(lines[0], milestones), follow)
    posts, lost = posts_along(reference, lines, milestones)
    calibration, judged, told = calibrated(
        posts,
        reference.line.length_m,
        reference=reference.carriageway,
        script=script_of(ref),
        start_km=settings.start_km or 0.0,
        rules=PostRules(settings.stretch_min, settings.stretch_max, settings.post_reject_m),
    )
    notes += [*more, *unread, *lost, *told, *_other_classes(objects, road_class), *_late_starts(reference)]
    return _assembled(settings, objects, ref, reference, calibration, judged, notes)


def posts_layer(judged: Sequence[JudgedPost]) -> Layer:
    """The ``posts`` layer, in order of measure."""
    return Layer.from_rows(
        SCHEMAS["posts"],
        [
            {
                "measure_m": verdict.post.measure_m,
                "label_km": verdict.post.label_km,
                "carriageway": verdict.post.carriageway,
                "latitude_deg": verdict.post.latitude_deg,
                "longitude_deg": verdict.post.longitude_deg,
                "accepted": verdict.accepted,
                "knot": verdict.knot,
                "residual_m": verdict.residual_m,
                "reason": verdict.reason,
                "osm_id": verdict.post.osm_id,
            }
            for verdict in judged
        ],
    )


def _assembled(
    settings: RoadSettings,
    objects: RoadObjects,
    ref: str,
    reference: Reference,
    calibration: Calibration,
    judged: Sequence[JudgedPost],
    notes: list[Note],
) -> Road:
    cross_sections, limits = cross_sections_layer(reference)
    return Road(
        ref=ref,
        axis="surveyed",
        length_m=reference.line.length_m,
        reference=reference.carriageway,
        calibration=calibration,
        alignments=alignments_along(reference),
        posts=posts_layer(judged),
        structures=structures_layer(reference),
        cross_sections=cross_sections,
        places=places_layer(reference, objects, settings.corridor_m),
        masts=masts_layer(reference, objects.features.values(), settings.mast_search_m),
        findings=findings_layer([*notes, *limits], reference.line, settings.corridor_m),
    )


def _other_classes(objects: RoadObjects, road_class: str) -> list[Note]:
    """A finding where ways of another class carry the ref too: the road may go on as another class."""
    if not objects.others:
        return []
    lengths: dict[str, float] = {}
    for chain in chains_of(objects.others.values())[0]:
        for piece in chain.pieces:
            kind = piece.way.tags["highway"]
            lengths[kind] = lengths.get(kind, 0.0) + piece.length_m
    listed = ", ".join(f"{length / 1000:.1f} km of {kind}" for kind, length in sorted(lengths.items()))
    return [Note("other_class", f"{listed} carry the same ref and are left out ({road_class} is taken)")]


def _late_starts(reference: Reference) -> list[Note]:
    """Where one carriageway begins later or ends sooner than the reference line."""
    notes = []
    for carriageway in reference.sides:
        if carriageway != reference.carriageway:
            for hole in reference.holes(carriageway):
                if hole.start_m == 0.0 or hole.end_m == reference.line.length_m:
                    end = "begins" if hole.start_m == 0.0 else "ends"
                    detail = f"the {carriageway} carriageway {end} {hole.length_m:,.0f} m off the reference line's end"
                    notes.append(Note("hole", detail, "warning", hole.start_m, hole.end_m))
    return notes
