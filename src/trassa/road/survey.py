"""The road stage: from map, drawing or table of facts to one road that every trade reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from trassa.errors import InputError
from trassa.linear import Calibration, Carriageway, Layer, script_of
from trassa.provenance import Progress, no_progress
from trassa.road.alignment import STEP_M
from trassa.road.attributes import cross_sections_layer, structures_layer
from trassa.road.carriageways import CarriagewayLine, laid_out
from trassa.road.chains import chains_of
from trassa.road.drawing import as_carriageway, declared_labels, read_drawing
from trassa.road.findings import Note, findings_layer, findings_rows
from trassa.road.heights import laid_on_terrain
from trassa.road.layers import SCHEMAS
from trassa.road.line import geodesic_steps_m
from trassa.road.milestones import milestones_of, posts_along, sense_on
from trassa.road.model import Road
from trassa.road.osm import RoadObjects, read_roads
from trassa.road.places import masts_layer, places_layer
from trassa.road.posts import JudgedPost, PostRules, calibrated
from trassa.road.power import power_layer
from trassa.road.reference import Reference, alignments_along, oriented
from trassa.road.refs import CLASSES, read_road
from trassa.road.schematic import read_facts, schematic_road
from trassa.road.settings import RoadSettings, TerrainSettings
from trassa.road.terrain import Terrain
from trassa.road.verge import traffic_of

__all__ = ["drawn_road", "posts_layer", "require_ref", "survey", "surveyed_road"]


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
    if settings.schematic:
        road = _schematic(settings, inputs, terrain)
    elif settings.centreline:
        road = drawn_road(settings, inputs / settings.centreline, [inputs / name for name in settings.osm])
    elif settings.osm:
        road = surveyed_road(settings, [inputs / name for name in settings.osm])
    else:
        raise InputError("road: no source is given", cure="road.osm, road.centreline or road.schematic in trassa.toml")
    road = _with_traffic(road, settings)
    progress(0.5)
    if terrain is not None and road.axis != "schematic":
        road = _with_heights(road, terrain, terrain_settings)
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
    road = _assembled(settings, objects, ref, reference, calibration, notes)
    return replace(road, posts=posts_layer(judged), power=power_layer(reference.line, objects, paths))


def drawn_road(settings: RoadSettings, centreline: Path, osm: Sequence[Path] = ()) -> Road:
    """A road from a drawn centreline, without heights; extracts serve for the places and masts around it.

    A single line stands for both carriageways, unless ``settings.carriageways`` is 1.
    """
    drawn = read_drawing(centreline)
    calibration, notes = declared_labels(drawn[0], settings.start_km, script_of(settings.ref))
    sides: dict[Carriageway, CarriagewayLine] = {"increasing": as_carriageway(drawn[0])}
    if len(drawn) == 2:
        sides["decreasing"] = as_carriageway(drawn[1])
    elif settings.carriageways == 2:
        sides["decreasing"] = as_carriageway(drawn[0].turned())
        notes.append(Note("one_line", "both carriageways are drawn as one line: they lie on each other here"))
    reference = Reference(sides["increasing"].line, "increasing", sides)
    objects = read_roads(osm, lambda tags: False)
    road = _assembled(settings, objects, settings.ref, reference, calibration, [*notes, *_late_starts(reference)])
    return replace(road, axis="drawn", power=power_layer(reference.line, objects, osm))


def require_ref(paths: Sequence[Path], settings: RoadSettings) -> str:
    """The ref as the extracts spell it; an :class:`~trassa.errors.InputError` that lists the refs there are."""
    return read_road(paths, settings.ref, settings.road_class)[1]


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
    notes: list[Note],
) -> Road:
    if reference.line.length_m < STEP_M:
        raise InputError(
            f"road: {ref} is {reference.line.length_m:.1f} m long in its source (at least {STEP_M:g} m)",
            cure="an extract or a drawing that covers the road",
        )
    cross_sections, limits = cross_sections_layer(reference)
    return Road(
        ref=ref,
        axis="surveyed",
        length_m=reference.line.length_m,
        reference=reference.carriageway,
        calibration=calibration,
        alignments=alignments_along(reference),
        posts=Layer.empty(SCHEMAS["posts"]),
        structures=structures_layer(reference),
        cross_sections=cross_sections,
        places=places_layer(reference, objects, settings.corridor_m),
        masts=masts_layer(reference, objects.features.values(), settings.mast_search_m),
        findings=findings_layer([*notes, *limits], reference.line, settings.corridor_m),
    )


def _schematic(settings: RoadSettings, inputs: Path, terrain: Terrain | None) -> Road:
    facts = read_facts(inputs / settings.schematic)
    road = schematic_road(settings.ref, facts, settings.start_km, settings.end_km)
    if terrain is None:
        return road
    detail = "a schematic axis has no place on the ground: the terrain is not used"
    return _with_findings(road, [Note("terrain_unused", detail, "warning", 0.0, road.length_m)])


def _with_traffic(road: Road, settings: RoadSettings) -> Road:
    traffic = traffic_of(road, settings.traffic or None)
    if traffic == "right":
        return road
    by = "road.traffic" if settings.traffic else "its carriageways"
    return _with_findings(replace(road, traffic=traffic), [Note("traffic", f"traffic keeps left, by {by}")])


def _with_heights(road: Road, terrain: Terrain, settings: TerrainSettings) -> Road:
    alignments, notes = laid_on_terrain(road.alignments, road.structures, terrain, settings, road.calibration, road.ref)
    return _with_findings(replace(road, alignments=alignments), notes)


def _with_findings(road: Road, notes: Sequence[Note]) -> Road:
    told = findings_rows(notes)
    return replace(road, findings=Layer.from_rows(SCHEMAS["findings"], [*road.findings.rows(), *told]))


def _other_classes(objects: RoadObjects, road_class: str) -> list[Note]:
    """A finding where ways of another class carry the ref too: the road may go on as another class."""
    if not objects.others:
        return []
    lengths = dict.fromkeys(CLASSES, 0.0)
    for way in objects.others.values():
        steps = geodesic_steps_m(way.latitude_deg, way.longitude_deg)
        lengths[way.tags["highway"]] += float(np.nansum(steps)) / 1000.0
    listed = ", ".join(f"{length_km:.1f} km of {kind}" for kind, length_km in lengths.items() if length_km >= 0.05)
    main = max(lengths, key=lambda kind: lengths[kind])
    said = f"{listed} carry the same ref and are left out ({road_class} is taken; road_class = '{road_class} {main}'"
    return [Note("other_class", f"{said} takes both)")]


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
