"""Founding a project: from files, from a bundled example, or from the network."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from trassa.errors import InputError, UsageError
from trassa.plan.project import MANIFEST, create_project, open_project, require_free
from trassa.plan.settings import ProjectSettings, Settings
from trassa.provenance import Progress
from trassa.radio.profiles import profile_names, profile_source
from trassa.radio.settings import RadioSettings
from trassa.road.settings import RoadSettings, TerrainKind, TerrainSettings

__all__ = ["EXAMPLES", "Founding", "found", "found_from_network"]

EXAMPLES = ("hills", "m11")


@dataclass(frozen=True)
class Founding:
    """What a new project is made from; empty fields were not given."""

    ref: str = ""
    osm: tuple[Path, ...] = ()
    dem: tuple[Path, ...] = ()
    terrain_kind: str = ""
    centreline: Path | None = None
    schematic: Path | None = None
    road_class: str = ""
    profile: str = ""
    band: str = ""

    @property
    def names_a_road(self) -> bool:
        """Whether anything but the radio service was given."""
        return replace(self, profile="", band="") != Founding()


def found(folder: Path, *, example: str, founding: Founding) -> list[str]:
    """Make a project in ``folder``; gives sentences about what was decided.

    :raises UsageError: nothing to make a road from, an unknown example, or an unknown radio service.
    :raises InputError: a file is missing, or the road is not in it (the refs that are get listed).
    """
    require_free(folder)
    radio = _service(founding.profile, founding.band)
    if example:
        if founding.names_a_road:
            raise UsageError("init: an example brings its own road", cure=f"trassa init {folder} --example {example}")
        return [*_found_example(folder, example, radio), *_service_told(radio)]
    if not founding.ref:
        raise UsageError("init: no road named", cure='--ref "A 4" with --osm FILE, or --example hills')
    if not (founding.osm or founding.centreline or founding.schematic):
        raise UsageError("init: nothing to take the road from", cure="--osm FILE, or trassa road fetch REF --into DIR")
    return [*_found_from_files(folder, founding), *_service_told(radio)]


def _found_example(folder: Path, example: str, radio: RadioSettings) -> list[str]:
    if example == "m11":
        from trassa.plan.examples.m11 import facts_file, m11_settings

        create_project(folder, m11_settings().model_copy(update={"radio": radio}), {"m11.csv": facts_file()})
        return [
            "М-11 «Нева» from published facts: a schematic axis without terrain, so every result is an estimate.",
            f'real geometry and terrain: trassa road fetch "М-11" --into {folder}',
        ]
    if example == "hills":
        from trassa.plan.examples.hills import draw_hills, hills_settings

        with tempfile.TemporaryDirectory() as place:
            inputs = draw_hills(Path(place))
            create_project(folder, hills_settings().model_copy(update={"radio": radio}), inputs)
        return ["hills: a drawn road of 40 km over generated 30-m terrain."]
    raise UsageError(f"init: no example {example!r}", cure=f"one of {', '.join(EXAMPLES)}")


def _found_from_files(folder: Path, founding: Founding) -> list[str]:
    kind, why = _terrain_kind(founding.dem, founding.terrain_kind)
    single = [path for path in (founding.centreline, founding.schematic) if path is not None]
    if founding.schematic and (founding.osm or founding.centreline):
        raise UsageError("init: --schematic with another source of the road", cure="one of them")
    inputs = _named([*founding.osm, *founding.dem, *single])
    road = RoadSettings(
        ref=founding.ref,
        **({"road_class": founding.road_class} if founding.road_class else {}),  # type: ignore[arg-type]
        **({"osm": [path.name for path in founding.osm]} if founding.osm else {}),  # type: ignore[arg-type]
        **({"centreline": founding.centreline.name} if founding.centreline else {}),  # type: ignore[arg-type]
        **({"schematic": founding.schematic.name} if founding.schematic else {}),  # type: ignore[arg-type]
    )
    terrain = TerrainSettings(files=[path.name for path in founding.dem], kind=kind) if founding.dem else None
    settings = Settings(
        project=ProjectSettings(name=""),
        road=road,
        terrain=terrain or TerrainSettings(),
        radio=_service(founding.profile, founding.band),
    )
    if founding.osm and not founding.centreline:
        from trassa.road.survey import require_ref

        require_ref(founding.osm, road)
    create_project(folder, settings, inputs)
    return [why] if why else ["no terrain given: smooth earth stands in for it, and every result is an estimate."]


def _service(profile: str, band: str) -> RadioSettings:
    """The ready service asked for, or the settings as shipped; in trassa.toml only its names count as chosen."""
    if not profile:
        if band:
            raise UsageError(f"init: --band {band} is that of a profile", cure=f"--profile {profile_names()[0]}")
        return RadioSettings()
    try:
        service = RadioSettings.model_validate({"profile": profile, **({"band": band} if band else {})})
    except ValidationError as error:
        told = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"init: {told}", cure=f"--profile {profile_names()[0]}, and a band of it") from None
    service.model_fields_set.intersection_update({"profile", "band"} if band else {"profile"})
    return service


def _service_told(radio: RadioSettings) -> list[str]:
    """Where the figures of the service come from; nothing where none was asked for."""
    return [f"radio: {radio.profile}: {profile_source(radio.profile)}."] if radio.profile else []


def _named(files: Sequence[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for file in files:
        if not file.is_file():
            raise InputError(
                f"init: {file} {'is not a file' if file.exists() else 'does not exist'}", cure="check the path"
            )
        if file.name == MANIFEST:
            raise InputError(f"init: {MANIFEST} is the name of the list of inputs", cure="another name for the input")
        if file.name in named:
            raise InputError(f"init: two inputs are called {file.name}", cure="rename one of them")
        named[file.name] = file
    return named


def _terrain_kind(files: Sequence[Path], said: str) -> tuple[TerrainKind | None, str]:
    if not files:
        if said:
            raise UsageError(f"init: terrain kind {said!r} without terrain", cure="--dem FILE")
        return None, ""
    if said == "surface":
        return "surface", "terrain: taken as a surface model: woods and houses are in the heights."
    if said == "bare":
        return "bare", "terrain: taken as bare ground: clutter is added from the map."
    if said:
        raise UsageError(f"init: terrain kind {said!r}", cure="--terrain-kind surface or --terrain-kind bare")
    if all("copernicus_dsm" in file.name.lower() for file in files):
        return "surface", "terrain: Copernicus DSM is a surface model: clutter is not added."
    origin = "SRTM" if all(re.search(r"\.hgt(\.gz|\.zip)?$", file.name.lower()) for file in files) else "unknown origin"
    sentence = f"terrain: {origin}, taken as bare ground: clutter is added from the map (the cautious reading)."
    return "bare", f"{sentence} Say --terrain-kind surface where the tiles show treetops."


def found_from_network(
    ref: str, folder: Path, overpass_url: str, dem_url: str, near: tuple[float, float] | None, progress: Progress
) -> list[str]:
    """Fetch OSM and terrain for a road and make a project of them, or survey a schematic project anew.

    ``near`` (latitude, longitude) picks one of several roads of that ref; a schematic project knows its own.
    """
    from trassa.road.fetch import COPERNICUS_URL, OVERPASS_URL, fetch_road

    cache = folder.parent / f".{folder.name}-fetch"
    if near is None and (folder / "trassa.toml").exists():
        near = _middle_of(folder)
    fetched = fetch_road(
        ref,
        cache,
        overpass_url=overpass_url or OVERPASS_URL,
        dem_url=dem_url or COPERNICUS_URL,
        near=near,
        progress=progress,
    )
    osm, dem = tuple(fetched.osm), tuple(fetched.dem)
    sentences = list(fetched.notes)
    if (folder / "trassa.toml").exists():
        project = open_project(folder)
        if project.settings.road.osm:
            raise InputError(f"fetch: {folder} is surveyed already", cure="another folder")
        schematic = folder.with_name(f"{folder.name}.schematic")
        if schematic.exists():
            raise InputError(f"fetch: {schematic} is in the way", cure=f"move {schematic}")
        folder.rename(schematic)
        sentences.append(f"the schematic project was kept as {schematic}")
        try:
            return sentences + _found_from_files(folder, Founding(ref=ref, osm=osm, dem=dem, terrain_kind="surface"))
        except BaseException:
            if not folder.exists():
                schematic.rename(folder)
            raise
    return sentences + _found_from_files(folder, Founding(ref=ref, osm=osm, dem=dem, terrain_kind="surface"))


def _middle_of(folder: Path) -> tuple[float, float] | None:
    """A point half-way along the road of a project, or None where it has no geometry yet."""
    from trassa.plan.questions import road_of

    line = next(iter(road_of(folder).alignments.values()))
    middle = len(line) // 2
    place = float(line.latitude_deg[middle]), float(line.longitude_deg[middle])
    return place if all(map(math.isfinite, place)) else None
