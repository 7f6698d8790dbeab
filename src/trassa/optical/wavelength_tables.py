"""The light of a planned line, and its layers: every amplifier as set, every path with what arrives on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trassa.linear import Layer
from trassa.optical.layers import SCHEMAS
from trassa.optical.light import line_spans
from trassa.optical.line import Line
from trassa.optical.wdm.equipment import line_equipment
from trassa.optical.wdm.transmission import PathResult, Transmission
from trassa.optical.wdm.wavelengths import Node, Section, WavelengthLine
from trassa.road.model import Road

__all__ = ["light_of", "wavelength_layers"]

Row = dict[str, int | float | str | bool]


def light_of(line: Line, road: Road) -> WavelengthLine:
    """A planned line as its light sees it, at the end of life."""
    alignment = road.alignments[line.chain.spans[0].plants[0].cable.verge.carriageway]
    nodes = tuple(
        Node(
            name,
            road.text(hut.measure_m),
            float(np.interp(hut.measure_m, alignment.measure_m, alignment.latitude_deg)),
            float(np.interp(hut.measure_m, alignment.measure_m, alignment.longitude_deg)),
        )
        for name, hut in zip(line.hut_names, line.chain.huts, strict=True)
    )
    spans = line_spans(line.chain.spans, line.rules)
    return WavelengthLine(nodes, spans, line.presence_before, line.presence_after, line.rules, line_equipment())


def wavelength_layers(
    lines: Sequence[Line], lights: Sequence[WavelengthLine], found: Sequence[Transmission]
) -> dict[str, Layer]:
    """The layers ``amplifiers`` and ``wavelengths``, one light and one finding per line."""
    amplifiers = [row for line, light in zip(lines, lights, strict=True) for row in _amplifiers(line, light)]
    paths = [_path(line, result) for line, each in zip(lines, found, strict=True) for result in each.paths]
    rows = {"amplifiers": amplifiers, "wavelengths": paths}
    return {name: Layer.from_rows(SCHEMAS[name], table) for name, table in rows.items()}


def _amplifiers(line: Line, light: WavelengthLine) -> list[Row]:
    """One row per amplifier, section by section in the order of the light."""
    return [row for section in light.sections for row in _section(line, light, section)]


def _section(line: Line, light: WavelengthLine, section: Section) -> list[Row]:
    rows: list[Row] = []
    for place, (hut, amplifier) in enumerate(zip(section.huts, light.amplifiers[section], strict=True)):
        role = "booster" if place == 0 else "preamplifier" if place == len(section.spans) else "line"
        rows.append(
            {
                "hut": line.hut_names[hut],
                "measure_m": line.chain.huts[hut].measure_m,
                "cable": line.cables[section.cable],
                "sense": section.sense,
                "role": role,
                "type": amplifier.type_name,
                "gain_db": amplifier.gain_db,
                "noise_figure_db": amplifier.noise_figure_db,
                "launch_dbm": amplifier.launch_dbm,
            }
        )
    return rows


def _path(line: Line, result: PathResult) -> Row:
    path, channels = result.path, result.channels
    least = channels.least
    needed_db = line.rules.needed_gsnr_db + line.rules.gsnr_margin_db
    ends = sorted((path.source, path.target))
    return {
        "path": f"{line.hut_names[path.source]}→{line.hut_names[path.target]}",
        "start_m": line.chain.huts[ends[0]].measure_m,
        "end_m": line.chain.huts[ends[1]].measure_m,
        "cables": ",".join(line.cables[cable] for cable in path.cables),
        "detour": path.detour,
        "channels": len(channels.gsnr_db),
        "worst_channel_thz": float(channels.frequency_thz[least]),
        "gsnr_db": float(channels.gsnr_db[least]),
        "osnr_db": float(channels.osnr_db[least]),
        "model": "closed form" if result.taken_db else "GNPy",
        "closed_osnr_db": float(result.closed_osnr_db[least]),
        "closed_gsnr_db": float(result.closed_gsnr_db.min()),
        "needed_db": needed_db,
        "margin_db": float(channels.gsnr_db[least]) - result.taken_db - needed_db,
        "dispersion_ps_per_nm": float(channels.dispersion_ps_per_nm.max()),
        "pmd_ps": float(channels.pmd_ps.max()),
        "latency_us": float(channels.latency_us.max()),
        "mode": result.mode.mode.name if result.mode else "",
        "rate_gbps": result.mode.mode.rate_gbps if result.mode else 0,
    }
