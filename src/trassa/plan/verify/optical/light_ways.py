"""The ways of light found again: huts in rows, the legs between ROADMs, and what arrives on each way in closed form."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.plan.verify.optical.line import Network, SpanAgain
from trassa.plan.verify.optical.osnr import AmplifierStated, Leg, gsnr_db, table

__all__ = ["LightAgain", "Way", "mode_margin_db", "modes", "rows_of_huts"]

Way = tuple[str, str, str]
"""Source, target, and the cable of each section in the order of the light, comma-separated."""

_KNEES = {"dispersion": 4000.0, "pmd": 10.0}


@cache
def modes() -> dict[str, dict[str, float]]:
    """The OpenROADM modes as the file lists them, by name."""
    rows = csv.DictReader(files("trassa.optical.wdm").joinpath("modes.csv").read_text("utf-8").splitlines())
    return {row.pop("name"): {name: float(value) for name, value in row.items()} for row in rows}


class LightAgain:
    """The huts of every line in order, and the amplifiers that the plan states for each cable and sense."""

    def __init__(self, network: Network, amplifiers: Layer) -> None:
        self.network, self.rules = network, network.rules
        self._stated: dict[tuple[str, str, str], list[AmplifierStated]] = defaultdict(list)
        for row in amplifiers.rows():
            figures = (float(row[name]) for name in ("gain_db", "noise_figure_db", "launch_dbm"))
            end = "booster" if row["role"] == "booster" else ""
            self._stated[str(row["hut"]), str(row["cable"]), f"{row['sense']} {end}"].append(
                AmplifierStated(str(row["type"]), *figures)
            )
        self._spans: dict[tuple[str, str], dict[str, SpanAgain]] = defaultdict(dict)
        for span in network.spans:
            self._spans[span.huts][span.cable] = span
        self.lines = rows_of_huts(self._spans)
        self._noise: dict[tuple[tuple[str, ...], str, bool], float] = {}
        self._found: dict[tuple[Way, str], float] = {}
        self._weakest: dict[tuple[str, str], Way] = {}

    def stops(self, huts: Sequence[str]) -> list[str]:
        """Huts of a line that hold a ROADM."""
        return list(huts) if self.rules.hut_equipment == "roadm" else [huts[0], huts[-1]]

    def pairs(self) -> Iterator[tuple[str, str, bool]]:
        """Source and target of all light, and whether only a loss sends it there: a ROADM and a point of presence."""
        for huts in self.lines:
            ends = [hut for hut in (huts[0], huts[-1]) if hut in self.network.presences]
            for end in ends or [huts[-1]]:
                for hut in self.stops(huts) if ends else [huts[0]]:
                    if hut == end:
                        continue
                    near = min(ends, key=lambda other: self._metres(huts, hut, other), default=end)
                    far = end != near and hut not in ends
                    yield hut, end, far
                    if hut not in ends:
                        yield end, hut, far

    def alone(self, source: str, target: str) -> list[Way]:
        """The ways on one cable from end to end."""
        sections = self._sections_between(source, target)
        return [self._on(source, target, number) for number in range(len(self._cables(sections[0])))]

    def weakest(self, source: str, target: str) -> Way:
        """The mixture of cables that leaves the least signal: in each section the one that leaves less alone."""
        if (source, target) not in self._weakest:
            names = [
                min(self._cables(section), key=lambda cable: self._alone_db(section, cable, source, target))
                for section in self._sections_between(source, target)
            ]
            self._weakest[source, target] = source, target, ",".join(names)
        return self._weakest[source, target]

    def gsnr_db(self, way: Way, mode: str = "") -> float:
        """The weakest channel's GSNR, of the library's comb or of a mode's; minus infinity where no such way is."""
        if (way, mode) not in self._found:
            legs = self.legs(way)
            comb = None
            if mode:
                row = modes()[mode]
                comb = (row["spacing_ghz"] * 1e9, row["baud_gbd"] * 1e9, row["tx_osnr_db"])
            self._found[way, mode] = float(gsnr_db(legs, self.rules, comb).min()) if legs else -math.inf
        return self._found[way, mode]

    def legs(self, way: Way) -> list[Leg]:
        """The sections of a way: amplifiers as stated, spans as found; none at all where one of them is missing."""
        source, target, cables = way
        sections, names = self._sections_between(source, target), cables.split(",")
        if not sections or len(sections) != len(names):
            return []
        sense = self.sense(source, target)
        legs = [self.leg(section, cable, sense) for section, cable in zip(sections, names, strict=True)]
        known = [leg for leg in legs if leg is not None]
        return known if len(known) == len(legs) else []

    def fibre_m(self, way: Way) -> tuple[float, float]:
        """Fibre on a way, and the most that any mixture of cables has there, at the end of life."""
        source, target, cables = way
        longer = self.rules.helix_ratio / self.rules.helix_ratio_low
        own, most = 0.0, 0.0
        for section, name in zip(self._sections_between(source, target), cables.split(","), strict=True):
            length_m = {
                cable: sum(self.between(pair)[cable].fibre_m for pair in pairwise(section))
                for cable in self._cables(section)
            }
            own, most = own + length_m[name], most + max(length_m.values())
        return own * longer, most * longer

    def sense(self, source: str, target: str) -> str:
        """``out`` or ``back``."""
        huts = next(huts for huts in self.lines if source in huts)
        return "out" if huts.index(target) > huts.index(source) else "back"

    def leg(self, section: Sequence[str], cable: str, sense: str) -> Leg | None:
        """One section, None where the plan lacks an amplifier or a span of it, or has two."""
        spans = [self.between(pair).get(cable) for pair in pairwise(section)]
        keys = [(hut, cable, f"{sense} {'' if place else 'booster'}") for place, hut in enumerate(section)]
        stated = [self._stated.get(key, []) for key in keys]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans) or any(len(each) != 1 for each in stated):
            return None
        longer = self.rules.helix_ratio / self.rules.helix_ratio_low
        fibre_m = tuple(span.fibre_m * longer for span in known)
        planned_db = self.rules.attenuation_1550_db_per_km
        per_km_db = tuple(planned_db if span.per_km_db is None else span.per_km_db for span in known)
        return Leg(tuple(each[0] for each in stated), fibre_m, tuple(span.loss_db for span in known), per_km_db)

    def between(self, pair: tuple[str, str]) -> dict[str, SpanAgain]:
        """The spans between two neighbouring huts, by cable."""
        return self._spans[pair] if pair in self._spans else self._spans[pair[::-1]]

    def sections(self, huts: Sequence[str], first: str, last: str) -> list[tuple[str, ...]]:
        """The huts of each section on a way, in the order of the light."""
        low, high = sorted((huts.index(first), huts.index(last)))
        way = list(huts[low : high + 1])
        way = way if huts.index(first) == low else way[::-1]
        stops = self.stops(huts)
        at = [number for number, hut in enumerate(way) if hut in stops]
        return [tuple(way[a : b + 1]) for a, b in pairwise(at)]

    def _sections_between(self, source: str, target: str) -> list[tuple[str, ...]]:
        huts = next((huts for huts in self.lines if source in huts and target in huts), None)
        return self.sections(huts, source, target) if huts is not None and source != target else []

    def _on(self, source: str, target: str, number: int) -> Way:
        sections = self._sections_between(source, target)
        return source, target, ",".join(self._cables(section)[number] for section in sections)

    def _cables(self, section: Sequence[str]) -> list[str]:
        return sorted({cable for pair in pairwise(section) for cable in self.between(pair)})

    def _alone_db(self, section: tuple[str, ...], cable: str, source: str, target: str) -> float:
        """GSNR behind one section alone."""
        sense = self.sense(source, target)
        key = (section, cable, sense == "out")
        if key not in self._noise:
            leg = self.leg(section, cable, sense)
            self._noise[key] = float(gsnr_db([leg], self.rules).min()) if leg else -math.inf
        return self._noise[key]

    def _metres(self, huts: Sequence[str], first: str, last: str) -> float:
        low, high = sorted((huts.index(first), huts.index(last)))
        return sum(min(s.fibre_m for s in self.between(pair).values()) for pair in pairwise(huts[low : high + 1]))


def mode_margin_db(light: LightAgain, way: Way, mode: str) -> float:
    """What the weakest channel of a mode's own comb has beyond threshold, penalties and system margin on a way."""
    row = modes()[mode]
    fibre_m = light.fibre_m(way)[1]
    glass: dict[str, Any] = table()["Fiber"][0]
    met = {"dispersion": glass["dispersion"] * 1e3 * fibre_m, "pmd": glass["pmd_coef"] * 1e12 * math.sqrt(fibre_m)}
    limits = {"dispersion": row["dispersion_limit_ps_per_nm"], "pmd": row["pmd_limit_ps"]}
    if any(met[name] > limit for name, limit in limits.items()):
        return -math.inf
    penalty_db = sum(
        0.5 * float(np.clip((met[name] - _KNEES[name]) / (limit - _KNEES[name]), 0.0, 1.0))
        for name, limit in limits.items()
    )
    return light.gsnr_db(way, mode) - penalty_db - row["osnr_db"] - light.rules.gsnr_margin_db


def rows_of_huts(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Huts in rows, from the spans between them, in order of the spans; those of two cables count once."""
    lines: list[list[str]] = []
    for first, last in dict.fromkeys(pairs):
        if lines and lines[-1][-1] == first:
            lines[-1].append(last)
        else:
            lines.append([first, last])
    return lines
