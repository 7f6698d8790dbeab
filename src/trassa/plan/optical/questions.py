"""Single questions about a planned project's optical line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import ConfigError, InputError
from trassa.linear import ARROWS, Layer
from trassa.optical.line import Line
from trassa.optical.plan import lines_of
from trassa.optical.plant.built import NOTHING_BUILT, AsBuilt
from trassa.optical.plant.drops import Connection
from trassa.optical.services.cut_answer import CutAnswer, Noticed, cost_minor, cut_at
from trassa.optical.services.service_tables import ring_names, tree_names
from trassa.optical.settings import OpticalSettings
from trassa.plan.amounts import amount_text
from trassa.plan.optical.as_built import kept_as_built
from trassa.plan.optical.connected import connections_of
from trassa.plan.project import Project, open_project
from trassa.plan.questions import position_of
from trassa.plan.stages import Planned, kept_stages
from trassa.plan.store import StageResult
from trassa.road.model import Road
from trassa.road.refs import folded_ref

__all__ = ["CutReport", "PlannedLine", "cut_line", "cuts_at", "kept_line", "kept_optical", "planned_line"]

_SHOWN = 12


@dataclass(frozen=True)
class Cure:
    """A change of trassa.toml: whether the same cut then strands nothing and leaves the backbone whole, and what it
    costs more."""

    change: str
    survives: bool
    keeps_backbone: bool
    cost_minor: int

    @property
    def worth(self) -> str:
        """What it is good for, in words."""
        stranded = "nothing is stranded" if self.survives else "some are stranded all the same"
        return f"{stranded}, the backbone {'goes on' if self.keeps_backbone else 'is cut all the same'}"


@dataclass(frozen=True)
class CutReport:
    """The answer for one place of one trench, in words and figures.

    ``light`` are the fastest mode that closes on the weakest light in use after the cut, and how many dB of GSNR that
    light has beyond what is needed; None where no light is needed.
    """

    road: Road
    cut: CutAnswer
    light: tuple[str, float] | None
    repair_h: float
    cures: tuple[Cure, ...]
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        cut = self.cut
        return {
            "road": self.road.ref,
            "from": self.road.calibration.text(cut.place.start_m),
            "to": self.road.calibration.text(cut.place.end_m),
            "start_m": round(cut.place.start_m, 1),
            "end_m": round(cut.place.end_m, 1),
            "trench": cut.trench,
            "carriageway": cut.carriageway,
            "cables": list(cut.cables),
            "span": list(cut.huts),
            "backbone_kept": cut.backbone_kept,
            "reaches_presence": dict(zip(cut.huts, cut.reaches, strict=True)),
            "light": {"mode": self.light[0], "margin_db": round(self.light[1], 3)} if self.light else None,
            "rings": list(cut.rings),
            **({"trees": list(cut.trees)} if cut.trees else {}),
            "noticed": [_noticed_row(one) for one in cut.noticed],
            "stranded": [one.connection for one in cut.stranded],
            "undisturbed": cut.undisturbed,
            "repair_h": self.repair_h,
            "cures": [vars(cure) for cure in self.cures],
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of those who notice."""
        heads = ["connection", "service", "before", "after", "over", "margin", "loses"]
        rows = [
            [
                one.connection,
                one.service,
                f"{one.before_us:.1f} µs",
                f"{one.after_us:.1f} µs" if np.isfinite(one.after_us) else "stranded",
                one.over or "–",
                f"{one.margin_db:+.2f} dB" if np.isfinite(one.after_us) else "–",
                _loss(one),
            ]
            for one in self.cut.noticed
        ]
        return heads, rows

    def sentences(self) -> list[str]:
        """What falls, who notices, what carries the traffic, until when, and what it would take."""
        cut, huts = self.cut, "–".join(self.cut.huts)
        where = f"{self.road.span_text(cut.place.start_m, cut.place.end_m)} {ARROWS[cut.carriageway]}"
        said = [f"{where}: a cut between two chambers takes {', '.join(cut.cables)} in trench {cut.trench}"]
        if cut.backbone_kept:
            said.append(f"the backbone {huts} goes on over the other trench")
        else:
            said.append(f"the backbone {huts} is cut: {_reach(cut)}")
        if self.light is not None:
            mode, margin_db = self.light
            said.append(f"weakest light in use: {margin_db:+.1f} dB of GSNR beyond need, {mode or 'no mode'} closes")
        said.append(_who(cut))
        if cut.stranded:
            names = [one.connection for one in cut.stranded]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            said.append(f"stranded: {', '.join(names[:_SHOWN])}{more}")
        said.append(f"repair takes {self.repair_h:g} h on average")
        said += [
            f"with {cure.change} {cure.worth}: {amount_text(cure.cost_minor, self.currency)} more"
            for cure in self.cures
        ]
        return said


def _who(cut: CutAnswer) -> str:
    """How many lose what."""
    if not cut.noticed:
        return f"none of {cut.undisturbed} connections notices"
    lessened, longer = len(cut.lessened), len(cut.noticed) - len(cut.lessened)
    parts = [f"{lessened} connections lose a way of their own" if lessened else ""]
    parts += [f"{longer} keep both and go a longer way along the backbone" if longer else ""]
    rings = f"; rings {', '.join(cut.rings)} carry on from both ends" if cut.rings else ""
    trees = f"; trees {', '.join(cut.trees)} keep at most one of two feeders" if cut.trees else ""
    return f"{', '.join(part for part in parts if part)}, {cut.undisturbed} notice nothing{rings}{trees}"


def _reach(cut: CutAnswer) -> str:
    """Which side of a parted backbone still reaches a point of presence."""
    if all(cut.reaches):
        return "huts on either side reach the point of presence on theirs"
    if not any(cut.reaches):
        return "neither side reaches a point of presence"
    (on, off) = cut.huts if cut.reaches[0] else cut.huts[::-1]
    return f"{on} and beyond reach a point of presence, {off} and beyond reach none"


def _loss(one: Noticed) -> str:
    if not np.isfinite(one.after_us):
        return "all"
    return "one way" if one.loses else "nothing"


def _noticed_row(one: Noticed) -> dict[str, Any]:
    after = round(one.after_us, 2) if np.isfinite(one.after_us) else None
    margin = round(one.margin_db, 3) if np.isfinite(one.after_us) and np.isfinite(one.margin_db) else None
    row = {"connection": one.connection, "service": one.service, "before_us": round(one.before_us, 2)}
    return {**row, "after_us": after, "over": one.over, "margin_db": margin, "loses_a_way": one.loses}


@dataclass(frozen=True)
class PlannedLine:
    """The lines of a planned project, laid out again, with the layers that its last run kept."""

    road: Road
    rules: OpticalSettings
    lines: tuple[Line, ...]
    connections: tuple[Connection, ...]
    ring_of: Mapping[str, str]
    tree_of: Mapping[str, str]
    layers: Mapping[str, Layer]
    currency: str
    as_built: AsBuilt = NOTHING_BUILT


def planned_line(folder: Path) -> PlannedLine:
    """The optical line of a project that is planned; :class:`InputError` where it was changed since."""
    project = open_project(folder)
    return kept_line(project, _planned(project))


def kept_line(project: Project, planned: Planned) -> PlannedLine:
    """The optical line of what the stages left: huts where the last run put them, all else laid out from them."""
    road, rules, layers = planned.road, project.settings.optical, planned.results["optical"].layers
    connections = connections_of(project, road, planned.results["radio"].layers["sites"]).connections
    as_built = kept_as_built(planned.results["optical"])
    huts_m = frozenset(layers["huts"]["measure_m"].tolist())
    lines, _ = lines_of(road, connections, rules, as_built=as_built, huts_m=huts_m)
    ring_of = {drop.connection.name: name for name, _, _, ring in ring_names(lines) for drop in ring.drops}
    tree_of = {b.drop.connection.name: name for name, _, _, tree in tree_names(lines) for b in tree.branches}
    currency = project.settings.project.currency
    return PlannedLine(road, rules, tuple(lines), tuple(connections), ring_of, tree_of, layers, currency, as_built)


def cut_line(folder: Path, text: str) -> list[CutReport]:
    """A cut at a position: one report for each trench there, of the named carriageway where one is named."""
    plan = planned_line(folder)
    position = position_of(folder, plan.road, text)
    if folded_ref(position.road) != folded_ref(plan.road.ref):
        told = f"optical: {text!r} is a place on {position.road}, not on {plan.road.ref}"
        raise InputError(told, cure=f"a position on {plan.road.ref}")
    cuts = cuts_at(plan, plan.road.calibration.measure(position.label))
    if position.carriageway is not None:
        cuts = [cut for cut in cuts if cut.carriageway == position.carriageway] or cuts
    found = []
    for cut in cuts:
        cures = _cures(plan, cut) if cut.stranded or not cut.backbone_kept else ()
        repair_h = plan.rules.availability.cut_repair_h
        found.append(CutReport(plan.road, cut, _light(plan, cut), repair_h, cures, plan.currency))
    return found


def _light(plan: PlannedLine, cut: CutAnswer) -> tuple[str, float] | None:
    """Mode and margin of the weakest light in use after a cut, as the plan has them."""
    cuts = plan.layers["cuts"].where(trench=cut.trench)
    row = int(np.argmin(np.abs(cuts["start_m"] - cut.place.start_m)))
    margin_db = float(cuts["worst_gsnr_margin_db"][row])
    return (str(cuts["worst_mode"][row]), margin_db) if np.isfinite(margin_db) else None


def cuts_at(plan: PlannedLine, measure_m: float) -> list[CutAnswer]:
    """A cut of each trench at a measure, the first cable's first."""
    line = _line_at(plan.lines, measure_m, plan.road)
    return [cut_at(line, measure_m, trench, plan.ring_of, plan.tree_of) for trench in dict.fromkeys(line.trenches)]


def kept_optical(folder: Path) -> StageResult:
    """What the optical stage of a planned project left; :class:`InputError` where it was changed since."""
    return _planned(open_project(folder)).results["optical"]


def _planned(project: Project) -> Planned:
    planned = kept_stages(project)
    if "optical" not in planned.results:
        told = f"optical: {project.root} is not planned, or was changed since"
        raise InputError(told, cure=f"trassa run {project.root}")
    return planned


def _line_at(lines: Sequence[Line], measure_m: float, road: Road) -> Line:
    for line in lines:
        if line.chain.huts[0].measure_m <= measure_m <= line.chain.huts[-1].measure_m:
            return line
    laid = [road.span_text(line.chain.huts[0].measure_m, line.chain.huts[-1].measure_m) for line in lines]
    told = f"optical: no cable lies at {road.text(measure_m)}"
    raise InputError(told, cure=f"a position within {' or '.join(laid)}")


def _cures(plan: PlannedLine, cut: CutAnswer) -> tuple[Cure, ...]:
    """The same road with a second cable across the road, planned anew and cut at the same place; none where it has
    one."""
    if plan.rules.cables == 2 and plan.rules.second_cable == "other_side":
        return ()
    other = plan.rules.model_copy(update={"cables": 2, "second_cable": "other_side"})
    try:
        lines, _ = lines_of(plan.road, plan.connections, other, as_built=plan.as_built)
    except (ConfigError, InputError):  # the road has no other side, or no room for it
        return ()
    again = cuts_at(replace(plan, lines=tuple(lines), rules=other), (cut.place.start_m + cut.place.end_m) / 2.0)
    same = next((one for one in again if one.carriageway == cut.carriageway), again[0])
    more_minor = cost_minor(lines) - cost_minor(plan.lines)
    change = 'optical.cables = 2, second_cable = "other_side"'
    return (Cure(change, not same.stranded, same.backbone_kept, more_minor),)
