"""The line of a planned project as files for others: papers, a graph, GNPy's JSON, a drawing and strips."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
from pyproj import CRS

from trassa.errors import InputError, UsageError
from trassa.optical.drawing.dxf import SCALES, SheetTitle, write_drawing, zone_of
from trassa.optical.wavelength_tables import light_of
from trassa.optical.wdm.topology import equipment_json, topology_of
from trassa.plan.folder import staged_folder
from trassa.plan.optical.as_built_template import as_built_template
from trassa.plan.optical.graph import line_graph
from trassa.plan.optical.papers import LinePapers, line_papers_bytes
from trassa.plan.optical.questions import kept_line
from trassa.plan.optical.strips import line_strips
from trassa.plan.project import Project, open_project
from trassa.plan.proof import Proof
from trassa.plan.stages import Planned, kept_stages
from trassa.road.osm import date_of_map

__all__ = ["FORMATS", "ExportedLine", "export_line"]

_GNPY = "gnpy_topology"
_STRIPS = "line_strips"
_EQUIPMENT = "gnpy_equipment.json"
_LIST = "as_built.csv"


@dataclass(frozen=True)
class ExportedLine:
    """What was written, and a sentence about each format that needs one."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        files = [{"path": str(file), "size_bytes": file.stat().st_size} for file in self.files]
        return {"files": files, "notes": list(self.notes)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        return ["file", "bytes"], [[str(file), f"{file.stat().st_size}"] for file in self.files]


def export_line(
    folder: Path, into: Path, only: Sequence[str] = (), *, replace: bool = False, scale: int = 2000
) -> ExportedLine:
    """Write the formats named in ``only`` (all of :data:`FORMATS` without) into a folder, all or nothing. The sheets
    of the drawing are 1 : ``scale``.

    A folder that holds anything is refused; with ``replace`` one that holds nothing but an older export is replaced.
    :class:`InputError` also for a project that is not planned, and for a drawing that ``only`` names of an axis without
    geometry; where all is asked for, a note tells that it is left out.
    """
    unknown = [name for name in only if name not in FORMATS]
    if unknown:
        raise UsageError(f"export: no format {unknown[0]!r}", cure=f"--only {'|'.join(FORMATS)}")
    if scale not in SCALES:
        known = "|".join(map(str, SCALES))
        raise UsageError(f"export: no sheets at 1 : {scale}", cure=f"--scale {known}")
    _require_room(into, replace=replace)
    project = open_project(folder)
    planned = kept_stages(project)
    if "optical" not in planned.results:
        raise InputError(f"export: {folder} is not planned, or was changed since", cure=f"trassa run {folder}")
    wanted, notes = [name for name in FORMATS if name in only or not only], []
    if "dxf" in wanted:
        try:
            zone_of(planned.road)
        except InputError as error:
            if only:
                raise
            wanted.remove("dxf")
            notes.append(f"line.dxf is left out: {error.message}")
    with staged_folder(into.resolve()) as fresh:
        notes += [note for name in wanted for note in FORMATS[name](_Export(project, planned, fresh, scale))]
    return ExportedLine(tuple(sorted(into.iterdir())), tuple(notes))


def _require_room(into: Path, *, replace: bool) -> None:
    if into.exists() and not into.is_dir():
        raise InputError(f"export: {into} is a file, not a folder", cure="the name of a folder")
    if into.resolve() == Path.cwd():
        raise InputError("export: --into is the folder you are in", cure="a folder of its own, e.g. --into line")
    there = sorted(path.name for path in into.iterdir()) if into.exists() else []
    foreign = [name for name in there if not _is_ours(name)]
    if foreign:
        raise InputError(f"export: {into} holds {foreign[0]}, which no export wrote", cure="an empty or new folder")
    if there and not replace:
        raise InputError(f"export: {into} holds an older export", cure="--replace, or another folder")


def _is_ours(name: str) -> bool:
    named = ("line.xlsx", "line.graphml", "line.dxf", "line.prj", _EQUIPMENT, _LIST)
    numbered = ((_GNPY, ".json"), (_STRIPS, ".svg"), ("line_sheets", ".dxf"))
    return name in named or any(name.startswith(first) and name.endswith(last) for first, last in numbered)


@dataclass(frozen=True)
class _Export:
    """What a format is written from, the folder it is written into, and the scale of sheets."""

    project: Project
    planned: Planned
    fresh: Path
    scale: int


def _papers(asked: _Export) -> Iterable[str]:
    project, planned = asked.project, asked.planned
    title, holds = project.settings.project.name or planned.road.ref, Proof.read(project.outputs["proof"]).holds
    bill = [line for result in planned.results.values() for line in result.bom]
    rules, currency = project.settings.optical, project.settings.project.currency
    papers = LinePapers(planned.road, planned.layers(), rules, title, holds, bill, currency)
    (asked.fresh / "line.xlsx").write_bytes(line_papers_bytes(papers))
    return ()


def _graph(asked: _Export) -> Iterable[str]:
    graph = line_graph(asked.planned.road, asked.planned.layers(), asked.project.settings.optical)
    nx.write_graphml_xml(graph, asked.fresh / "line.graphml", prettyprint=True)
    return ()


def _gnpy(asked: _Export) -> Iterable[str]:
    """A topology for each uninterrupted line, and the equipment that all of them are designed with."""
    road, lines = asked.planned.road, kept_line(asked.project, asked.planned).lines
    names = [f"{_GNPY}{f'_{n}' if len(lines) > 1 else ''}.json" for n in range(1, len(lines) + 1)]
    for name, line in zip(names, lines, strict=True):
        (asked.fresh / name).write_text(_json(topology_of(light_of(line, road))), "utf-8")
    (asked.fresh / _EQUIPMENT).write_text(_json(equipment_json(asked.project.settings.optical)), "utf-8")
    return [f"gnpy-transmission-example -e {_EQUIPMENT} {names[0]}"]


def _json(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _drawing(asked: _Export) -> Iterable[str]:
    project, road = asked.project, asked.planned.road
    map_date = next(filter(None, (date_of_map(project.inputs / name) for name in project.settings.road.osm)), "–")
    proof = project.outputs["proof"]
    sign = f"proof {json.loads(proof.read_text('utf-8'))['seal'][:8]}"
    verdict = {"estimate": "ESTIMATE, ", "no": "DOES NOT HOLD, "}.get(Proof.read(proof).holds, "")
    title = SheetTitle(project.settings.project.name or road.ref, map_date, f"{verdict}{sign}")
    offset_m, path = project.settings.optical.verge_offset_m, asked.fresh / "line.dxf"
    drawn = write_drawing(path, road, asked.planned.layers(), title, offset_m, asked.scale)
    (asked.fresh / "line.prj").write_text(CRS.from_epsg(drawn.zone.epsg).to_wkt("WKT1_ESRI") + "\n", "utf-8")
    where = f", in {', '.join(file.name for file in drawn.files[1:])}" if len(drawn.files) > 1 else ""
    return [
        f"line.dxf: {drawn.zone.text()}",
        f"sheets of A3 along the road: {drawn.sheets} at 1 : {asked.scale}{where}; an overview in line.dxf",
    ]


def _list(asked: _Export) -> Iterable[str]:
    planned = asked.planned
    text = as_built_template(planned.road, planned.results["optical"].layers, asked.project.settings.optical)
    (asked.fresh / _LIST).write_text(text, "utf-8")
    return [f"{_LIST}: keep what is built, fill in what was measured, name the file in optical.as_built"]


def _strips(asked: _Export) -> Iterable[str]:
    project, planned = asked.project, asked.planned
    title = project.settings.project.name or planned.road.ref
    estimate = Proof.read(project.outputs["proof"]).holds == "estimate"
    pages = line_strips(planned.road, planned.layers(), title, estimate=estimate)
    for number, page in enumerate(pages, start=1):
        (asked.fresh / f"{_STRIPS}_{number:02d}.svg").write_text(page, "utf-8")
    return ()


FORMATS: dict[str, Callable[[_Export], Iterable[str]]] = {
    "xlsx": _papers,
    "graphml": _graph,
    "gnpy": _gnpy,
    "dxf": _drawing,
    "as-built": _list,
    "svg": _strips,
}
"""What can be exported, by name: each writes its files into a folder and says what is worth saying."""
