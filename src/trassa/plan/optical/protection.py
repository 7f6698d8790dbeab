"""The choices of protection beside one another: what each costs, what it survives, how often it is all down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import ConfigError, InputError, UsageError
from trassa.optical.line import Line
from trassa.optical.plan import lines_of
from trassa.optical.services.availability import cut_load, minutes_per_year, renewal, series
from trassa.optical.services.cut_answer import cost_minor
from trassa.optical.services.site_availability import availability_figures, availability_layer
from trassa.optical.settings import OpticalSettings
from trassa.optical.survival import cuts_of
from trassa.plan.amounts import amount_text
from trassa.plan.optical.questions import PlannedLine, planned_line

__all__ = ["Protection", "ProtectionChoices", "protection_choices"]

_KEPT = "as planned"


@dataclass(frozen=True)
class Protection:
    """One choice. ``backbone_ratio`` is the unavailability from end to end, cables only; ``common_ratio`` the share of
    cuts that take every cable at once; ``worst_minutes`` those of the least available connection in a year."""

    name: str
    change: str
    common_ratio: float
    cost_minor: int
    stranded_pairs: int
    cuts_backbone: bool
    backbone_ratio: float
    worst_minutes: float | None


@dataclass(frozen=True)
class ProtectionChoices:
    """All choices of a road, in order of cost; ``refused`` says why a choice cannot be built here."""

    road: str
    choices: tuple[Protection, ...]
    refused: tuple[str, ...]
    currency: str

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {"road": self.road, "choices": [vars(choice) for choice in self.choices], "refused": list(self.refused)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        heads = [
            "choice",
            "cost",
            "common cause",
            "backbone after a cut",
            "backbone down",
            "worst connection",
            "stranded",
        ]
        rows = [
            [
                choice.name,
                amount_text(choice.cost_minor, self.currency),
                f"{choice.common_ratio:.0%}",
                "parted" if choice.cuts_backbone else "whole",
                f"{float(minutes_per_year(choice.backbone_ratio)):.1f} min/a",
                "–" if choice.worst_minutes is None else f"{choice.worst_minutes:.1f} min/a",
                str(choice.stranded_pairs),
            ]
            for choice in self.choices
        ]
        return heads, rows


def protection_choices(folder: Path, parallel_km: float | None = None) -> ProtectionChoices:
    """One cable, two in one trench, two on both sides of the road, each planned anew at least cost.

    ``parallel_km`` adds a way of that length along another road between the ends, in no trench of this one: it carries
    the backbone alone, nothing takes both at once, and the right to use it costs ``prices.other_road``.
    """
    if parallel_km is not None and not 0.0 < parallel_km <= 100_000.0:
        raise UsageError(f"protection: --parallel-km {parallel_km:g} is no length of a road", cure="--parallel-km 700")
    plan = planned_line(folder)
    found: list[Protection] = []
    refused: list[str] = []
    for name, changes in (
        ("one cable", {"cables": 1}),
        ("two cables, one trench", {"cables": 2, "second_cable": "same_trench"}),
        ("two cables, both sides", {"cables": 2, "second_cable": "other_side"}),
    ):
        rules = plan.rules.model_copy(update=changes)
        try:
            lines = _lines(plan, rules)
        except (ConfigError, InputError) as error:
            refused.append(f"{name}: {error.message}")
            continue
        found.append(_judged(name, rules, lines, plan))
        if name == "one cable" and parallel_km is not None:
            found.append(_with_parallel(found[-1], rules, parallel_km))
    choices = tuple(sorted(found, key=lambda choice: choice.cost_minor))
    return ProtectionChoices(plan.road.ref, choices, tuple(refused), plan.currency)


def _lines(plan: PlannedLine, rules: OpticalSettings) -> Sequence[Line]:
    """The lines of a choice: those of the plan for the one that it made, planned anew for another."""
    if _is_plan(plan, rules):
        return plan.lines
    return lines_of(plan.road, plan.connections, rules, as_built=plan.as_built)[0]


def _is_plan(plan: PlannedLine, rules: OpticalSettings) -> bool:
    same = (rules.cables, rules.second_cable) == (plan.rules.cables, plan.rules.second_cable)
    return same or (rules.cables == plan.rules.cables == 1)


def _judged(name: str, rules: OpticalSettings, lines: Sequence[Line], plan: PlannedLine) -> Protection:
    figures = availability_figures(lines, availability_layer(lines))
    both_sides = rules.cables == 2 and rules.second_cable == "other_side"
    form = "two_cables_as_series_of_spans" if both_sides else "one_cable_as_series_of_intervals"
    change = f"cables = {rules.cables}" + (f', second_cable = "{rules.second_cable}"' if rules.cables == 2 else "")
    return Protection(
        f"{name} ({_KEPT})" if _is_plan(plan, rules) else name,
        f"optical: {change}",
        rules.availability.common_cause_ratio if both_sides else 1.0,
        cost_minor(lines),
        sum(cut.outcome.stranded for line in lines for cut in cuts_of(line.backbone)),
        not both_sides,
        series([line[form] for line in figures["lines"]]),
        figures["worst_minutes_per_year"],
    )


def _with_parallel(single: Protection, rules: OpticalSettings, parallel_km: float) -> Protection:
    """One cable and a way elsewhere: down only when both are."""
    other = float(renewal(cut_load(1000.0 * parallel_km, rules.availability)))
    return Protection(
        f"one cable, {parallel_km:g} km of another road",
        single.change,
        0.0,
        single.cost_minor + round(parallel_km * rules.prices.other_road.amount_minor),
        single.stranded_pairs,
        False,
        single.backbone_ratio * other,
        single.worst_minutes,
    )
