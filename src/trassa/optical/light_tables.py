"""What a cut or a lost hut leaves of light: columns of the sweeps, and a table of every service class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trassa.optical.light import Light
from trassa.optical.line import Line
from trassa.optical.survival import Outcome, cuts_of, hut_losses_of, intact, joined

__all__ = ["light_columns", "service_way_rows"]

Row = dict[str, int | float | str | bool]


def light_columns(light: Light | None) -> Row:
    """GSNR margin, mode and rate of the weakest light in use."""
    if light is None:
        return {"worst_gsnr_margin_db": float("nan"), "worst_mode": "", "worst_rate_gbps": 0}
    return {"worst_gsnr_margin_db": light.margin_db, "worst_mode": light.mode, "worst_rate_gbps": light.rate_gbps}


def service_way_rows(lines: Sequence[Line]) -> list[Row]:
    """For every service class a row with nothing lost, one after the worst of all cuts, one after each lost hut."""
    names = {hut.measure_m: name for line in lines for name, hut in zip(line.hut_names, line.chain.huts, strict=True)}
    rows: list[Row] = []
    for service in lines[0].rules.services:
        count = sum(drop.connection.service == service.name for line in lines for drop in line.drops)
        if count:
            told: Row = {"service": service.name, "connections": count}
            rows += [{**told, "lost": lost, **_told(found, names)} for lost, found in _events(lines, service.name)]
    return rows


def _events(lines: Sequence[Line], service: str) -> list[tuple[str, Outcome]]:
    """What may be lost, and how all connections of a service fare then."""
    backbones = [line.backbone_of(service) for line in lines]
    quiet = [intact(backbone) for backbone in backbones]

    def with_others(number: int, outcome: Outcome) -> Outcome:
        return joined([outcome, *quiet[:number], *quiet[number + 1 :]])

    cuts = [with_others(number, cut.outcome) for number, each in enumerate(backbones) for cut in cuts_of(each)]
    huts = [
        (line.hut_names[loss.hut], with_others(number, loss.outcome))
        for number, line in enumerate(lines)
        for loss in hut_losses_of(backbones[number])
    ]
    return [("nothing", joined(quiet)), ("any one cut", _worst(cuts)), *huts]


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The worst of each figure."""
    return Outcome(
        max(outcome.detoured for outcome in outcomes),
        max(outcome.stranded for outcome in outcomes),
        float(np.fmax.reduce([outcome.worst_latency_us for outcome in outcomes])),
        float(np.fmin.reduce([outcome.worst_margin_db for outcome in outcomes])),
        min((o.light for o in outcomes if o.light), key=lambda light: light.strength, default=None),
    )


def _told(outcome: Outcome, names: Mapping[float, str]) -> Row:
    light = outcome.light
    return {
        "detoured": outcome.detoured,
        "stranded": outcome.stranded,
        "worst_latency_us": outcome.worst_latency_us,
        "worst_margin_db": outcome.worst_margin_db,
        "worst_light": "–".join(names[end_m] for end_m in light.ends_m) if light else "",
        **light_columns(light),
    }
