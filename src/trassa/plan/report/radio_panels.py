"""Radio over the km axis, carriageway by carriageway: who serves, how safely, at what SINR and at what rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from trassa.errors import InputError
from trassa.linear import ARROWS, Carriageway, Layer
from trassa.plan.report.axis import FloatArray, IntArray, KmAxis, commonest, exempt_extents, worst_margins
from trassa.plan.report.levels import Level, Series, alarm_bands, bad_blocks, exempt_blocks, grid, need_line, steps
from trassa.plan.report.panels import Panel
from trassa.plan.report.svg import Px, line, tag, text
from trassa.radio.budget import combining_db, link_budget_of
from trassa.radio.settings import RadioSettings

__all__ = ["SITE_COLOURS", "Promise", "RadioWay", "promise_of", "radio_panels", "radio_ways"]

SITE_COLOURS = 6
"""Colours that take turns along the road; neighbours never share one."""

_MARGIN = Level(25.0, -15.0, 76)
_SINR = Level(30.0, -10.0, 56)
_RELIABILITY = Level(99.99, 80.0, 48, lambda percent: -math.log10(1.0 - percent / 100.0))
_LETTER = 5.4


@dataclass(frozen=True)
class Promise:
    """What the strips are measured against. ``sinr_db`` is the SINR that carries the promised downlink rate, None
    where no rate is promised; ``beside_load`` says whether it must hold beside the load of other cells."""

    reliability: float
    sinr_db: float | None
    beside_load: bool
    down_mbps: float
    up_mbps: float


def promise_of(settings: RadioSettings) -> Promise:
    """The promise in the settings; the SINR is that of one receive antenna of the vehicle."""
    sinr_db: float | None = None
    if settings.rate_down_mbps:
        try:
            sinr_db = float(link_budget_of(settings).downlink.sinr_db_for_rate(settings.rate_down_mbps))
        except InputError:
            sinr_db = None
        else:
            sinr_db = sinr_db - combining_db(settings.vehicle_branches) if math.isfinite(sinr_db) else None
    rates = settings.rate_down_mbps, settings.rate_up_mbps
    return Promise(settings.reliability, sinr_db, settings.with_interference, *rates)


@dataclass(frozen=True)
class RadioWay:
    """What is known of the radio on one carriageway; ``ahead`` and ``handovers`` are None in plans without them."""

    carriageway: Carriageway
    bins: Layer
    ahead: Layer | None
    handovers: Layer | None
    sites: tuple[str, ...]
    server: IntArray
    """Number of the best server of each bin, ``len(sites)`` for none, shape (bins,)."""
    second: IntArray

    @property
    def arrow(self) -> str:
        """→ or ←."""
        return ARROWS[self.carriageway]

    def knows(self, column: str) -> bool:
        """Whether the bins have a value in that column anywhere."""
        return column in self.bins.columns and bool(np.isfinite(self.bins[column]).any())


def radio_ways(carriageways: tuple[Carriageway, ...], layers: Mapping[str, Layer]) -> list[RadioWay]:
    """The radio of every carriageway; none without bins."""
    if "bins" not in layers:
        return []
    sites = tuple(str(name) for name in layers["sites"]["site"]) if "sites" in layers else ()
    number = {name: index for index, name in enumerate(sites)}
    ways = []
    for carriageway in carriageways:
        bins = layers["bins"].where(carriageway=carriageway)
        ahead, handovers = (
            layers[name].where(carriageway=carriageway) if name in layers else None for name in ("ahead", "handovers")
        )
        servers = (
            np.array([number.get(name, len(sites)) for name in bins[column].tolist()], dtype=np.int64)
            for column in ("server", "second")
        )
        ways.append(RadioWay(carriageway, bins, ahead, handovers, sites, *servers))
    return ways


def radio_panels(axis: KmAxis, way: RadioWay, promise: Promise | None) -> Iterator[Panel]:
    """The panels of one carriageway, those left out that nothing is known for."""
    if way.sites:
        yield _servers(axis, way)
    yield _margins(axis, way)
    if way.knows("sinr_db"):
        yield _sinr(axis, way, promise)
    if promise is not None and promise.beside_load and way.knows("reliability"):
        yield _reliability(axis, way, promise)
    if way.ahead is not None and len(way.ahead):
        yield _rates(axis, way, way.ahead, promise)


def _servers(axis: KmAxis, way: RadioWay) -> Panel:
    """The best server by colour and name, the second under it, and where a drive without shadowing is handed over."""
    body: list[str] = []
    rows = ((way.server, 2, 13, "best"), (way.second, 16, 6, "second"))
    for numbers, y, height, role in rows:
        chosen = commonest(axis, way.bins, numbers)
        for start, end, number in _stretches(chosen):
            if number == len(way.sites):
                words, class_ = "no server", "s-none"
            else:
                words, class_ = way.sites[number], f"s{number % SITE_COLOURS}"
            title = tag("title", f"{role}: {words}")
            body.append(tag("rect", title, x=axis.left + start, y=y, width=end - start, height=height, class_=class_))
            if role == "best" and number < len(way.sites) and end - start > _LETTER * len(words) + 3:
                body.append(text(axis.left + (start + end) / 2, 12, words, "label on", "middle"))
    body.extend(_handover_marks(axis, way))
    return Panel(f"server {way.arrow}", "best, below: second", 26, body)


def _stretches(numbers: IntArray) -> Iterator[tuple[int, int, int]]:
    """``(first, last + 1, number)`` of every run of one number, −1 left out."""
    edges = np.flatnonzero(np.diff(numbers)) + 1
    for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(numbers)], strict=True):
        if numbers[start] >= 0:
            yield start, end, int(numbers[start])


def _handover_marks(axis: KmAxis, way: RadioWay) -> Iterator[str]:
    for row in way.handovers.rows() if way.handovers is not None else ():
        if axis.shows(float(row["measure_m"])):
            x = axis.x(float(row["measure_m"]))
            said = f"{row['event']} {row['from_cell'] or 'none'} to {row['to_cell'] or 'none'}"
            class_ = "handover" if row["event"] == "handover" else "handover failed"
            title = tag("title", f"{said}, {row['interruption_ms']} ms")
            yield tag("line", title, x1=x, y1=0, x2=x, y2=24, class_=class_)


def _margins(axis: KmAxis, way: RadioWay) -> Panel:
    """Margin over the need: best server as a line, what is left with the best server down as an area."""
    level = _MARGIN
    best = worst_margins(axis, way.bins, "margin_db")
    down = worst_margins(axis, way.bins, "second_margin_db")
    body = [_below(axis, level, 0.0), *grid(axis, level, (-10.0, 10.0, 20.0), 0.0)]
    body.extend(alarm_bands(axis, np.fmin(best, down) < 0.0, level.height))
    body.append(steps(axis, Series(down, f"{way.arrow} any site down", "down"), level, 0.0))
    body.extend(bad_blocks(axis, down, level, 0.0, "bad"))
    body.append(steps(axis, Series(best, f"{way.arrow} best", "best"), level))
    body.extend(bad_blocks(axis, best, level, 0.0, "worse"))
    body.extend(_exempt(axis, way, best, level.height))
    body.append(need_line(axis, level, 0.0))
    return Panel(f"margin {way.arrow}", _need_text(way.bins), level.height, body)


def _need_text(bins: Layer) -> str:
    """What the need line stands for as a median RSRP: a range where the deductions differ between sites."""
    need = (bins["rsrp_dbm"] - bins["margin_db"])[np.isfinite(bins["margin_db"])]
    if not len(need):
        return "dB above need"
    low, high = (f"{value:.1f}".replace("-", "−") for value in (float(need.min()), float(need.max())))
    return f"dB above need:\nmedian RSRP\n{low if low == high else f'{low} … {high}'} dBm"


def _sinr(axis: KmAxis, way: RadioWay, promise: Promise | None) -> Panel:
    """Median SINR beside the load of the others, and the SINR that is reached at the promised reliability."""
    level, body = _SINR, list[str]()
    note, need = ["dB beside load", "blue: median"], None if promise is None else promise.sinr_db
    median = worst_margins(axis, way.bins, "sinr_db")
    body.extend(grid(axis, level, (-10.0, 0.0, 10.0, 20.0, 30.0), need))
    if promise is not None and need is not None and way.knows("sinr_margin_db"):
        sure = worst_margins(axis, way.bins, "sinr_margin_db") + need
        down = worst_margins(axis, way.bins, "down_sinr_margin_db") + need
        percent = f"{100.0 * promise.reliability:g} %"
        if promise.beside_load:
            body.extend(alarm_bands(axis, np.fmin(sure, down) < need, level.height))
        body.append(steps(axis, Series(down, f"{way.arrow} at {percent}, any site down", "down"), level, need))
        body.append(steps(axis, Series(sure, f"{way.arrow} SINR at {percent}", "best"), level))
        body.append(need_line(axis, level, need))
        note += [f"grey: at {percent}", "area: site down"]
    body.append(steps(axis, Series(median, f"{way.arrow} median SINR", "median"), level))
    body.extend(_exempt(axis, way, median, level.height))
    return Panel(f"SINR {way.arrow}", "\n".join(note), level.height, body)


def _reliability(axis: KmAxis, way: RadioWay, promise: Promise) -> Panel:
    """Lower bound of the probability that the promised rate is carried, in percent, on the scale of what is missing."""
    level, need = _RELIABILITY, 100.0 * promise.reliability
    up = 100.0 * worst_margins(axis, way.bins, "reliability")
    down = 100.0 * worst_margins(axis, way.bins, "down_reliability")
    body = [*grid(axis, level, (80.0, 90.0, 99.0, 99.9), need)]
    body.extend(alarm_bands(axis, np.fmin(up, down) < need, level.height))
    filled = Series(down, f"{way.arrow} reliability, any site down", "down", "%", 2)
    body.append(steps(axis, filled, level, need))
    body.extend(bad_blocks(axis, down, level, need, "bad"))
    body.append(steps(axis, Series(up, f"{way.arrow} reliability", "best", "%", 2), level))
    body.extend(bad_blocks(axis, up, level, need, "worse"))
    body.extend(_exempt(axis, way, up, level.height))
    body.append(need_line(axis, level, need))
    note = f"% rate carried,\nlower bound,\nneed {need:g} %"
    return Panel(f"reliability {way.arrow}", note, level.height, body)


def _rates(axis: KmAxis, way: RadioWay, ahead: Layer, promise: Promise | None) -> Panel:
    """Downlink and uplink rate ahead, logarithmic, each with its promise as a dashed line."""
    down, up = (worst_margins(axis, ahead, column) for column in ("rate_down_mbps", "rate_up_mbps"))
    most = max(float(np.nanmax(ahead[column])) for column in ("rate_down_mbps", "rate_up_mbps"))
    top = 10.0 ** max(math.ceil(math.log10(max(most, 1.0)) - 1e-9), 1)
    level = Level(top, 0.1, 56, math.log10)
    decades = [10.0**power for power in range(-1, round(math.log10(top)) + 1)]
    body = [*grid(axis, level, decades)]
    body.extend(_exempt(axis, way, down, level.height))
    body.append(steps(axis, Series(up, f"{way.arrow} up", "rate-up", "Mbit/s"), level))
    body.append(steps(axis, Series(down, f"{way.arrow} down", "rate-down", "Mbit/s"), level))
    note = ["Mbit/s", "blue: down", "orange: up"]
    promised = ((promise.down_mbps, "down"), (promise.up_mbps, "up")) if promise is not None else ()
    for rate_mbps, direction in promised:
        if rate_mbps:
            y = level.y(rate_mbps)
            body.append(line(axis.left, y, axis.right, y, f"promise rate-{direction}"))
            note[1 if direction == "down" else 2] += f" ≥ {rate_mbps:g}"
    return Panel(f"rate {way.arrow}", "\n".join(note), level.height, body)


def _below(axis: KmAxis, level: Level, need: float) -> str:
    y = level.y(need)
    return tag("rect", x=axis.left, y=y, width=axis.width, height=level.height - y, class_="below")


def _exempt(axis: KmAxis, way: RadioWay, known: FloatArray, height: Px) -> list[str]:
    return list(exempt_blocks(axis, known, exempt_extents(axis, way.bins), round(height)))
