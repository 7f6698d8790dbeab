"""Does light still arrive after a cut? Of each hut, the weakest way of light to either point of presence.

A hut counts on a point of presence only where its wavelengths arrive there and back over whichever cable is whole:
the weakest of both senses, of each cable and of their weakest mixture is judged (``wavelengths.py``), so no cut and no
lost hut can leave less on that way. It is judged by the closed form, less what that may be off, and asks for two
things: the GSNR that is needed with its margin, and a mode that closes. GNPy's own answer stands beside it in the layer
``wavelengths``; a plan does not depend on whether GNPy is installed.

Where huts hold amplifiers only, a hut's way is part of the way of the wavelength that passes it, and judged by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trassa.optical.placement import Span
from trassa.optical.plant.layout import SpanPlant
from trassa.optical.settings import OpticalSettings
from trassa.optical.wdm.closed_form import ClosedForm
from trassa.optical.wdm.equipment import line_equipment
from trassa.optical.wdm.transmission import path_result
from trassa.optical.wdm.wavelengths import Lightpath, LineSpan, Node, WavelengthLine

__all__ = ["Light", "lights_between", "line_spans", "unnamed_line"]


@dataclass(frozen=True)
class Light:
    """The weakest way of light between a hut and a point of presence; ``ends_m`` are their measures.

    ``margin_db`` is GSNR beyond what is needed, ``mode`` the fastest that closes there, empty where none does.
    """

    ends_m: tuple[float, float]
    margin_db: float
    mode: str
    rate_gbps: int

    @property
    def arrives(self) -> bool:
        """Whether there is signal enough, and a mode for it."""
        return self.margin_db >= 0.0 and self.rate_gbps > 0

    @property
    def strength(self) -> tuple[bool, float]:
        """By which the weakest of several is found."""
        return self.arrives, self.margin_db


def line_spans(spans: Sequence[Span], rules: OpticalSettings) -> tuple[tuple[LineSpan, ...], ...]:
    """Spans as light sees them, for each pair of neighbouring huts one per cable, at the end of life."""
    return tuple(
        tuple(_line_span(plant, loss_db, rules) for plant, loss_db in zip(span.plants, span.losses_db, strict=True))
        for span in spans
    )


def _line_span(plant: SpanPlant, loss_db: float, rules: OpticalSettings) -> LineSpan:
    """One cable's; its attenuation is the mean over its fibre."""
    cable, fibre_m = plant.cable, plant.cable.whole.fibre_m
    beyond = plant.measured.between(cable, cable.start_m, cable.end_m)
    return LineSpan(
        fibre_m,
        tuple(cable.fibre_m(np.array(plant.joints_m)).tolist()),
        loss_db,
        rules.span_loss_limit_db,
        tuple((rules.splice_loss_db + plant.measured.at_db(plant.joints_m)).tolist()),
        rules.attenuation_1550_db_per_km + float(beyond.fibre_1550_db) / fibre_m * 1000.0,
    )


def unnamed_line(
    spans: Sequence[Span], presence_before: bool, presence_after: bool, rules: OpticalSettings
) -> WavelengthLine:
    """The light of these spans, its huts numbered."""
    huts_m = (spans[0].plants[0].cable.start_m, *(span.plants[0].cable.end_m for span in spans))
    return _unnamed(huts_m, line_spans(spans, rules), presence_before, presence_after, rules)


@lru_cache(maxsize=8)
def _unnamed(
    huts_m: tuple[float, ...],
    spans: tuple[tuple[LineSpan, ...], ...],
    presence_before: bool,
    presence_after: bool,
    rules: OpticalSettings,
) -> WavelengthLine:
    """Kept: every service class, and the bill, ask for the same line."""
    nodes = tuple(Node(f"hut {number}", f"{metre:.0f} m", 0.0, 0.0) for number, metre in enumerate(huts_m, start=1))
    return WavelengthLine(nodes, spans, presence_before, presence_after, rules, line_equipment())


def lights_between(
    spans: Sequence[Span], presence_before: bool, presence_after: bool, rules: OpticalSettings
) -> tuple[tuple[Light | None, ...], tuple[Light | None, ...]]:
    """Each hut's light to the point of presence before and behind; None in one itself, and where there is none."""
    huts_m = (spans[0].plants[0].cable.start_m, *(span.plants[0].cable.end_m for span in spans))
    return _lights(unnamed_line(spans, presence_before, presence_after, rules), huts_m)


@lru_cache(maxsize=8)
def _lights(
    line: WavelengthLine, huts_m: tuple[float, ...]
) -> tuple[tuple[Light | None, ...], tuple[Light | None, ...]]:
    closed = ClosedForm(line)

    def weakest(hut: int, stop: int, end: int) -> Light | None:
        if hut == end:
            return None
        ways = [*line.ways(stop, end), *line.ways(end, stop)]
        lights = [_light(line, way, closed, (huts_m[hut], huts_m[end])) for way in ways]
        return min(lights, key=lambda light: light.strength)

    last, count = len(huts_m) - 1, range(len(huts_m))
    none: tuple[Light | None, ...] = (None,) * len(huts_m)
    before = tuple(weakest(hut, min(stop for stop in line.roadms if stop >= hut), 0) for hut in count)
    behind = tuple(weakest(hut, max(stop for stop in line.roadms if stop <= hut), last) for hut in count)
    return before if line.presence_before else none, behind if line.presence_after else none


def _light(line: WavelengthLine, way: Lightpath, closed: ClosedForm, ends_m: tuple[float, float]) -> Light:
    found, rules = path_result(line, way, closed, closed), line.rules
    margin_db = float(found.closed_gsnr_db.min()) - found.taken_db - rules.needed_gsnr_db - rules.gsnr_margin_db
    fit = found.mode
    return Light(ends_m, margin_db, fit.mode.name if fit else "", fit.mode.rate_gbps if fit else 0)
