"""The claim on the backbone's wavelengths: the ways are found again, and the signal on each computed in closed form.

The amplifiers are judged as the plan states them: gain against the losses between, noise figure and output against the
library. Measured on 308 ways over random spans of 5 to 92 km, the closed form's weakest channel lies within −0.00 and
+0.05 dB of GNPy's; twice that and a little is the tolerance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.line import Network, SpanAgain
from trassa.plan.verify.osnr import AmplifierStated, Leg, gsnr_db, noise_figure_due_db, table
from trassa.plan.verify.verdict import Row

__all__ = ["check_wavelengths"]

_TOLERANCE_DB = 0.12
_SETTING_TOLERANCE_DB = 0.02
_STATED_DB = 0.002


def check_wavelengths(evidence: Evidence, network: Network) -> list[Row]:
    """One row about the amplifiers and one about ``optical.gsnr``; none where no wavelength is spoken of."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == "optical.gsnr"), None)
    stated = evidence.layers.get("wavelengths")
    if claim is None and (stated is None or not len(stated)):
        return []
    if claim is None:
        return [Row("optical.gsnr", "", None, "dB", False, None, "the plan has wavelengths, the proof claims none")]
    light = _Light(evidence, network)
    wrong = light.amplifiers_off()
    said = "; ".join(wrong[:3]) or f"{len(evidence.layers['amplifiers'])} amplifiers bear the losses between them"
    return [Row("optical.amplifiers", "", None, "", not wrong, None, said), _gsnr_row(evidence, light, claim)]


def _gsnr_row(evidence: Evidence, light: _Light, claim: Claim) -> Row:
    rules = evidence.settings.optical
    needed_db = rules.needed_gsnr_db + rules.gsnr_margin_db
    wrong, found = [], {}
    for row in evidence.layers["wavelengths"].rows():
        way = (*str(row["path"]).split("→"), str(row["cables"]))
        gsnr = found[way] = light.gsnr_db(way)
        if not abs(gsnr - float(row["gsnr_db"])) <= _TOLERANCE_DB:
            wrong.append(f"{row['path']} over {row['cables']} stated {row['gsnr_db']:.2f} dB, found {gsnr:.2f} dB")
        elif abs(float(row["gsnr_db"]) - needed_db - float(row["margin_db"])) > _STATED_DB:
            wrong.append(f"{row['path']} states a margin of {row['margin_db']:.2f} dB over a need of {needed_db:g} dB")
    due = set(light.ways())
    wrong += [f"{way[0]}→{way[1]} over {way[2]} is not among the ways" for way in sorted(due - set(found))]
    if not found:
        return Row("optical.gsnr", "", None, "dB", False, None, "the proof claims wavelengths, the plan has none")
    worst = min(found, key=lambda way: found[way])
    margin = found[worst] - needed_db
    if claim.worst.margin is None or not abs(claim.worst.margin - margin) <= _TOLERANCE_DB:
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {margin:.2f} dB")
    holds = verdict(margin < 0.0, estimate_reasons(evidence))
    if claim.holds != holds and abs(margin) > _TOLERANCE_DB:
        wrong.insert(0, f"the proof says {claim.holds}")
    said = "; ".join(wrong[:3]) or f"{len(found)} ways of light in closed form, within {_TOLERANCE_DB:g} dB of GNPy"
    place = f"{worst[0]}→{worst[1]}"
    return Row(
        "optical.gsnr", place, margin, "dB", not wrong, claim.holds if abs(margin) <= _TOLERANCE_DB else holds, said
    )


@dataclass(frozen=True)
class _Section:
    """From ROADM to ROADM in the order of the light."""

    huts: tuple[str, ...]
    spans: tuple[SpanAgain, ...]


class _Light:
    """The huts of every line in order, and the amplifiers that the plan states for each cable and sense."""

    def __init__(self, evidence: Evidence, network: Network) -> None:
        self._evidence, self._network, self._rules = evidence, network, evidence.settings.optical
        self._stated: dict[tuple[str, str, str], list[AmplifierStated]] = defaultdict(list)
        for row in evidence.layers["amplifiers"].rows():
            figures = (float(row[name]) for name in ("gain_db", "noise_figure_db", "launch_dbm"))
            key = (
                str(row["hut"]),
                str(row["cable"]),
                f"{row['sense']} {'booster' if row['role'] == 'booster' else ''}",
            )
            self._stated[key].append(AmplifierStated(str(row["type"]), *figures))
        self._spans: dict[tuple[str, str], dict[str, SpanAgain]] = defaultdict(dict)
        for span in network.spans:
            self._spans[span.huts][span.cable] = span
        self._lines = _lines(list(self._spans))

    def ways(self) -> Iterator[tuple[str, str, str]]:
        """Source, target and cables of every way that light must be able to take: to each point of presence and back,
        on the first cable; on the way to the nearer one also over the other trench in one section at a time."""
        for huts in self._lines:
            ends = [hut for hut in (huts[0], huts[-1]) if hut in self._network.presences]
            stops = huts if self._rules.hut_equipment == "roadm" else [huts[0], huts[-1]]
            for end in ends or [huts[-1]]:
                for hut in stops if ends else [huts[0]]:
                    if hut != end:
                        yield from self._both(huts, stops, hut, end, ends)

    def _both(
        self, huts: Sequence[str], stops: Sequence[str], hut: str, end: str, ends: Sequence[str]
    ) -> Iterator[tuple[str, str, str]]:
        between = self._sections(huts, stops, hut, end)
        orders = [self._cables(section) for section in between]
        near = min(ends, key=lambda other: self._metres(huts, hut, other)) == end or hut in ends if ends else True
        changes = range(-1, len(between)) if near and self._apart() else range(-1, 0)
        for change in changes:
            cables = [order[1 if number == change else 0] for number, order in enumerate(orders)]
            yield hut, end, ",".join(cables)
            yield end, hut, ",".join(reversed(cables))

    def _apart(self) -> bool:
        """Whether the line has two cables that no cut takes together."""
        cables = {span.cable for span in self._network.spans}
        together = any("," in str(names) for names in self._evidence.layers["cuts"]["cables"])
        return len(cables) > len(self._lines) and not together

    def _metres(self, huts: Sequence[str], first: str, last: str) -> float:
        low, high = sorted((huts.index(first), huts.index(last)))
        return sum(min(s.fibre_m for s in self._spans[pair].values()) for pair in pairwise(huts[low : high + 1]))

    def _sections(self, huts: Sequence[str], stops: Sequence[str], first: str, last: str) -> list[tuple[str, ...]]:
        """The huts of each section on the way, in the order of the light."""
        step = 1 if huts.index(last) > huts.index(first) else -1
        way = list(huts[min(huts.index(first), huts.index(last)) : max(huts.index(first), huts.index(last)) + 1])[
            ::step
        ]
        cut = [number for number, hut in enumerate(way) if hut in stops]
        return [tuple(way[a : b + 1]) for a, b in pairwise(cut)]

    def _cables(self, section: Sequence[str]) -> list[str]:
        cables = {cable for pair in pairwise(section) for cable in self._between(pair)}
        return sorted(cables)

    def _between(self, pair: tuple[str, str]) -> dict[str, SpanAgain]:
        return self._spans[pair] if pair in self._spans else self._spans[pair[::-1]]

    def gsnr_db(self, way: Sequence[str]) -> float:
        """The weakest channel's GSNR on a way, source, target and cables; minus infinity where there is none such."""
        source, target, cables = way
        huts = next((huts for huts in self._lines if source in huts and target in huts), None)
        if huts is None or source == target:
            return -math.inf
        stops = huts if self._rules.hut_equipment == "roadm" else [huts[0], huts[-1]]
        sections, names = self._sections(huts, stops, source, target), cables.split(",")
        if len(sections) != len(names):
            return -math.inf
        sense = "out" if huts.index(target) > huts.index(source) else "back"
        legs = [self._leg(section, cable, sense) for section, cable in zip(sections, names, strict=True)]
        return float(gsnr_db([leg for leg in legs if leg], self._rules).min()) if all(legs) else -math.inf

    def _leg(self, section: Sequence[str], cable: str, sense: str) -> Leg | None:
        """The section as the plan states its amplifiers and as we found its spans."""
        spans = [self._between(pair).get(cable) for pair in pairwise(section)]
        keys = [(hut, cable, f"{sense} {'' if place else 'booster'}") for place, hut in enumerate(section)]
        stated = [self._stated.get(key, []) for key in keys]
        known = [span for span in spans if span is not None]
        if len(known) < len(spans) or any(len(each) != 1 for each in stated):
            return None
        longer = self._rules.helix_ratio / self._rules.helix_ratio_low
        fibre_m = tuple(span.fibre_m * longer for span in known)
        return Leg(tuple(each[0] for each in stated), fibre_m, tuple(span.loss_db for span in known))

    def amplifiers_off(self) -> list[str]:
        """Amplifiers that do not bear what lies before them, or are better than the library's."""
        wrong: list[str] = []
        output_dbm = table()["Roadm"][0]["target_pch_out_db"]
        padding_db = table()["Span"][0]["padding"]
        for huts in self._lines:
            stops = huts if self._rules.hut_equipment == "roadm" else [huts[0], huts[-1]]
            for ends in ((huts[0], huts[-1]), (huts[-1], huts[0])):
                sense = "out" if ends[0] == huts[0] else "back"
                for section in self._sections(huts, stops, *ends):
                    for cable in self._between((section[0], section[1])):
                        leg = self._leg(section, cable, sense)
                        if leg is None:
                            wrong.append(f"{section[0]}–{section[-1]} over {cable} lacks an amplifier or has two")
                            continue
                        losses = [0.0, *(max(loss, padding_db) for loss in leg.loss_db)]
                        came = [output_dbm, *(amplifier.launch_dbm for amplifier in leg.amplifiers)]
                        for hut, amplifier, loss, before in zip(section, leg.amplifiers, losses, came, strict=False):
                            wrong += _amplifier_off(f"{hut} {cable} {sense}", amplifier, loss, before)
        return wrong


def _amplifier_off(name: str, amplifier: AmplifierStated, loss_db: float, before_dbm: float) -> list[str]:
    light, gain_db = table()["SI"][0], loss_db + amplifier.launch_dbm - before_dbm
    count = round((light["f_max"] - light["f_min"]) / light["spacing"]) + 1
    most_dbm = next((row["p_max"] for row in table()["Edfa"] if row["type_variety"] == amplifier.kind), -math.inf)
    flat_db = next((row["gain_flatmax"] for row in table()["Edfa"] if row["type_variety"] == amplifier.kind), -math.inf)
    due_db = noise_figure_due_db(amplifier.kind, amplifier.gain_db)
    wrong: list[str] = []
    if abs(gain_db - amplifier.gain_db) > _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: gain stated {amplifier.gain_db:.2f} dB, the losses ask {gain_db:.2f} dB")
    if amplifier.gain_db > flat_db + _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: gain {amplifier.gain_db:.2f} dB is more than {amplifier.kind} has")
    if not amplifier.noise_figure_db >= due_db - _SETTING_TOLERANCE_DB:
        wrong.append(
            f"{name}: noise figure stated {amplifier.noise_figure_db:.2f} dB, the library's is {due_db:.2f} dB"
        )
    if amplifier.launch_dbm + 10.0 * math.log10(count) > most_dbm + _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: puts out more than {most_dbm:g} dBm")
    return wrong


def _lines(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Huts in rows, from the spans between them, in order of the spans."""
    lines: list[list[str]] = []
    for first, last in pairs:
        if lines and lines[-1][-1] == first:
            lines[-1].append(last)
        else:
            lines.append([first, last])
    return lines
