"""The stages of a plan, each a function from inputs to layers, skipped while nothing it reads has changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from trassa.errors import InputError, UsageError
from trassa.linear import Layer, Schema
from trassa.plan import store
from trassa.plan.folder import only_writer
from trassa.plan.optical.connected import connected_digest
from trassa.plan.project import Project
from trassa.plan.settings import settings_digest
from trassa.plan.store import StageResult
from trassa.provenance import Progress, no_progress, sha256_of_file
from trassa.road.model import Road

__all__ = ["STAGES", "Planned", "StageName", "kept_stages", "plan_stages", "surveyed"]

StageName = Literal["road", "radio", "optical"]
Watcher = Callable[[str], Progress]

STAGES: tuple[StageName, ...] = ("road", "radio", "optical")


@dataclass
class Planned:
    """What the stages have found so far, and which of them had to run."""

    results: dict[StageName, StageResult] = field(default_factory=dict)
    ran: dict[StageName, bool] = field(default_factory=dict)
    seconds: dict[StageName, float] = field(default_factory=dict)

    @property
    def road(self) -> Road:
        """The road, rebuilt from the layers of its stage."""
        found = self.results["road"]
        return Road.from_layers(found.layers, **found.figures["road"])

    def layers(self) -> dict[str, Layer]:
        """Every layer of the plan by name."""
        return {name: layer for result in self.results.values() for name, layer in result.layers.items()}


def plan_stages(
    project: Project, watch: Watcher, only: StageName | None = None, until: StageName = "optical"
) -> Planned:
    """Run the stages in order, or take each from the store where its key has not changed.

    With ``only``, the stages before it must be in the store already and it runs again; nothing after ``until`` runs.
    The caller holds the project (:func:`~trassa.plan.folder.only_writer`).
    """
    planned = Planned()
    for name in STAGES:
        began = time.monotonic()
        key = store.key_of(name, _reads(project, name, planned))
        folder = project.stages / name
        kept = store.load(folder, key, _schemas(name))
        forced = only == name
        if kept is not None and not forced:
            planned.results[name], planned.ran[name] = kept, False
            planned.seconds[name] = time.monotonic() - began
            if name == until:
                break
            continue
        if only is not None and not forced:
            raise UsageError(
                f"stage {only}: stage {name} before it is not up to date", cure=f"trassa run {project.root}"
            )
        progress = watch(name)
        result = _RUNNERS[name](project, planned, progress)
        progress(1.0)
        if store.key_of(name, _reads(project, name, planned)) != key:
            raise InputError(f"stage {name}: an input changed while it was read", cure=f"trassa run {project.root}")
        store.save(folder, key, result)
        planned.results[name], planned.ran[name] = result, True
        planned.seconds[name] = time.monotonic() - began
        if forced or name == until:
            break
    return planned


def _reads(project: Project, name: StageName, planned: Planned) -> list[str]:
    settings = project.settings
    files = [*settings.road.osm, *settings.terrain.files]
    single = [f for f in (settings.road.centreline, settings.road.schematic) if f]
    hashes = [sha256_of_file(project.path(file)) for file in [*files, *single]]
    if name == "road":
        return [settings_digest(settings.road, settings.terrain), *hashes]
    before = [planned.results[stage].digest() for stage in planned.results]
    if name == "radio":
        pattern = [sha256_of_file(project.path(settings.radio.antenna.file))] if settings.radio.antenna.file else []
        sections = settings_digest(settings.clutter, settings.radio)
        return [sections, settings.project.currency, *hashes, *pattern, *before]
    lists = (settings.optical.equipment_list, settings.optical.as_built)
    listed = [sha256_of_file(project.path(name)) for name in lists if name]
    return [settings_digest(settings.optical), settings.project.currency, connected_digest(project), *listed, *before]


def _schemas(name: StageName) -> Mapping[str, Schema]:
    from trassa.optical.layers import SCHEMAS as OPTICAL
    from trassa.radio.layers import SCHEMAS as RADIO
    from trassa.road.layers import SCHEMAS as ROAD

    return {"road": ROAD, "radio": RADIO, "optical": OPTICAL}[name]


def _run_road(project: Project, planned: Planned, progress: Progress) -> StageResult:
    from trassa.plan.road_stage import run

    return run(project, progress)


def _run_radio(project: Project, planned: Planned, progress: Progress) -> StageResult:
    from trassa.plan.radio.stage import run

    return run(project, planned.road, progress)


def _run_optical(project: Project, planned: Planned, progress: Progress) -> StageResult:
    from trassa.plan.optical.stage import run

    radio = planned.results["radio"].layers
    return run(project, planned.road, radio["sites"], radio["fronthaul"], progress)


_RUNNERS: dict[StageName, Callable[[Project, Planned, Progress], StageResult]] = {
    "road": _run_road,
    "radio": _run_radio,
    "optical": _run_optical,
}


def kept_stages(project: Project) -> Planned:
    """What the store holds that is up to date; nothing is run."""
    planned = Planned()
    for name in STAGES:
        kept = store.load(project.stages / name, store.key_of(name, _reads(project, name, planned)), _schemas(name))
        if kept is None:
            break
        planned.results[name], planned.ran[name] = kept, False
    return planned


def surveyed(project: Project) -> Planned:
    """What the store holds that is up to date, the road surveyed now where it is not."""
    planned = kept_stages(project)
    if "road" in planned.results:
        return planned
    with only_writer(project.root):
        return plan_stages(project, lambda step: no_progress, until="road")
