"""The claim on the backbone's wavelengths: the ways are found again, and the signal on each computed in closed form.

The amplifiers are judged as the plan states them: gain against the losses between, noise figure and output against the
library. Measured on 308 ways over random spans of 5 to 92 km, the closed form's weakest channel lies within −0.00 and
+0.05 dB of GNPy's; twice that and a little is the tolerance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.light_ways import LightAgain, Way, mode_margin_db, modes
from trassa.plan.verify.optical.line import Network
from trassa.plan.verify.optical.osnr import AmplifierStated, gsnr_db, library_comb, noise_figure_due_db, table
from trassa.plan.verify.verdict import Row

__all__ = ["CLOSED_FORM_DB", "TOLERANCE_DB", "check_wavelengths"]

TOLERANCE_DB = 0.12
CLOSED_FORM_DB = 0.1
"""What the plan must take from a GSNR that is not GNPy's."""

_SETTING_TOLERANCE_DB = 0.02
_STATED_DB = 0.002
_SAME_SHARE = 1e-3


def check_wavelengths(evidence: Evidence, network: Network) -> list[Row]:
    """One row about the amplifiers and one about ``optical.gsnr``; none where there is no line."""
    light = LightAgain(network, evidence.layers["amplifiers"])
    claim = next((claim for claim in evidence.proof.claims if claim.id == "optical.gsnr"), None)
    if not light.lines and claim is None:
        return []
    wrong = _amplifiers_off(evidence, light)
    said = "; ".join(wrong[:3]) or f"{len(evidence.layers['amplifiers'])} amplifiers bear the losses between them"
    amplifiers = Row("optical.amplifiers", "", None, "", not wrong, None, said)
    if claim is None:
        return [amplifiers, Row("optical.gsnr", "", None, "dB", False, None, "not claimed")]
    return [amplifiers, _gsnr_row(evidence, light, claim)]


def _gsnr_row(evidence: Evidence, light: LightAgain, claim: Claim) -> Row:
    rules = evidence.settings.optical
    needed_db = rules.needed_gsnr_db + rules.gsnr_margin_db
    rows = {_way(row): row for row in evidence.layers["wavelengths"].rows()}
    if not rows:
        return Row("optical.gsnr", "", None, "dB", False, None, "the proof claims wavelengths, the plan has none")
    told_twice = len(evidence.layers["wavelengths"]) - len(rows)
    wrong = [f"{told_twice} ways are told twice"] if told_twice else []
    margins: dict[Way, float] = {}
    for way, row in rows.items():
        margins[way] = light.gsnr_db(way) - needed_db - (CLOSED_FORM_DB if row["model"] == "closed form" else 0.0)
        wrong += [f"{row['path']} over {row['cables']} {fault}" for fault in _way_off(light, way, row, needed_db)]
    wrong += _missing(light, rows)
    worst = min(margins, key=lambda way: margins[way])
    margin = margins[worst]
    if claim.worst.margin is None or not abs(claim.worst.margin - margin) <= TOLERANCE_DB:
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {margin:.2f} dB")
    dark = margin < 0.0 or any(row["rate_gbps"] == 0 for row in rows.values())
    holds = verdict(dark, estimate_reasons(evidence))
    near = abs(margin) <= TOLERANCE_DB
    if claim.holds != holds and not near:
        wrong.insert(0, f"the proof says {claim.holds}")
    models = "/".join(sorted({str(row["model"]) for row in rows.values()}))
    said = "; ".join(wrong[:3]) or f"{len(rows)} ways of light by closed form, within {TOLERANCE_DB:g} dB of {models}"
    place = f"{worst[0]}→{worst[1]}"
    return Row("optical.gsnr", place, margin, "dB", not wrong, claim.holds if near else holds, said)


def _way(row: Mapping[str, Any]) -> Way:
    source, _, target = str(row["path"]).partition("→")
    return source, target, str(row["cables"])


def _way_off(light: LightAgain, way: Way, row: Mapping[str, Any], needed_db: float) -> list[str]:
    """What a row of the layer says of a way and is not so."""
    gsnr = light.gsnr_db(way)
    if not math.isfinite(gsnr):
        return ["is no way of light"]
    wrong = (
        []
        if abs(gsnr - float(row["gsnr_db"])) <= TOLERANCE_DB
        else [f"stated {row['gsnr_db']:.2f} dB, found {gsnr:.2f}"]
    )
    if not abs(gsnr - float(row["closed_gsnr_db"])) <= TOLERANCE_DB:
        wrong.append(f"by closed form stated {row['closed_gsnr_db']:.2f} dB, found {gsnr:.2f}")
    taken_db = {"GNPy": 0.0, "closed form": CLOSED_FORM_DB}.get(str(row["model"]), math.nan)
    due_db = float(row["gsnr_db"]) - needed_db - taken_db
    if not abs(due_db - float(row["margin_db"])) <= _STATED_DB or not abs(float(row["needed_db"]) - needed_db) <= 1e-9:
        wrong.append(f"states a margin of {row['margin_db']:.2f} dB over a need of {needed_db:g} dB")
    return wrong + _figures_off(light, way, row) + _mode_off(light, way, row)


def _figures_off(light: LightAgain, way: Way, row: Mapping[str, Any]) -> list[str]:
    """Places, channels, noise of the amplifiers, and what grows with the fibre."""
    wrong, huts = [], light.network.huts
    ends = sorted((huts[way[0]], huts[way[1]]))
    if not all(abs(float(row[name]) - end) <= 1e-3 for name, end in zip(("start_m", "end_m"), ends, strict=True)):
        wrong.append("lies elsewhere")
    far = next((far for source, target, far in light.pairs() if (source, target) == way[:2]), None)
    if far is None or bool(row["detour"]) != (far or way != light.alone(way[0], way[1])[0]):
        wrong.append(f"detour stated {bool(row['detour'])}")
    arriving = gsnr_db(light.legs(way), light.rules)
    spacing_thz = library_comb()[0] / 1e12
    place = (float(row["worst_channel_thz"]) - table()["SI"][0]["f_min"] / 1e12) / spacing_thz
    if row["channels"] != len(arriving):
        wrong.append(f"{row['channels']} channels stated, {len(arriving)} fit")
    if not (-0.5 < place < len(arriving) - 0.5 and abs(place - round(place)) <= 1e-3):
        wrong.append(f"no channel lies at {row['worst_channel_thz']:.3f} THz")
    elif row["model"] == "GNPy" and not arriving[round(place)] <= arriving.min() + TOLERANCE_DB:
        wrong.append(f"the channel at {row['worst_channel_thz']:.3f} THz is not the weakest")
    else:
        osnr = float(gsnr_db(light.legs(way), light.rules, fibre=False)[round(place)])
        wrong += [
            f"{name} stated {row[name]:.2f} dB, found {osnr:.2f}"
            for name in ("osnr_db", "closed_osnr_db")
            if not abs(float(row[name]) - osnr) <= TOLERANCE_DB
        ]
    return wrong + _lengths_off(light, way, row)


def _lengths_off(light: LightAgain, way: Way, row: Mapping[str, Any]) -> list[str]:
    """Dispersion and delays of a mixture are those of the most fibre that any mixture has."""
    own_m, most_m = light.fibre_m(way)
    glass = table()["Fiber"][0]
    due = {
        "dispersion_ps_per_nm": [glass["dispersion"] * 1e3 * metres for metres in (own_m, most_m)],
        "pmd_ps": [glass["pmd_coef"] * 1e12 * math.sqrt(metres) for metres in (own_m, most_m)],
        "latency_us": [light.rules.latency_us_per_km * metres / 1000.0 for metres in (own_m, most_m)],
    }
    return [
        f"{name} stated {row[name]:.2f}, found {low:.2f}"
        for name, (low, high) in due.items()
        if not low * (1.0 - _SAME_SHARE) <= float(row[name]) <= high * (1.0 + _SAME_SHARE)
    ]


def _mode_off(light: LightAgain, way: Way, row: Mapping[str, Any]) -> list[str]:
    """The stated mode closes, and none that is faster does."""
    name, taken_db = str(row["mode"]), CLOSED_FORM_DB if row["model"] == "closed form" else 0.0
    rate = modes()[name]["rate_gbps"] if name in modes() else 0.0
    wrong = [] if row["rate_gbps"] == rate else [f"states {row['rate_gbps']} Gbit/s for mode {name!r}"]
    if name and (name not in modes() or not mode_margin_db(light, way, name) - taken_db >= -TOLERANCE_DB):
        wrong.append(f"mode {name!r} does not close")
    better = [
        other
        for other, facts in modes().items()
        if (facts["rate_gbps"], -facts["osnr_db"]) > (rate, -modes()[name]["osnr_db"] if name in modes() else math.inf)
    ]
    closing = [other for other in better if mode_margin_db(light, way, other) - taken_db > TOLERANCE_DB]
    return [*wrong, f"mode {closing[0]!r} closes and is faster"] if closing else wrong


def _missing(light: LightAgain, rows: Mapping[Way, Mapping[str, Any]]) -> list[str]:
    """Ways that light must be able to take and the plan does not tell of."""
    wrong: list[str] = []
    for source, target, _ in light.pairs():
        due, ours = light.alone(source, target), [way for way in rows if way[:2] == (source, target)]
        wrong += [f"{source}→{target} over {way[2]} is not among the ways" for way in due if way not in ours]
        weakest = light.weakest(source, target)
        least_db = min((light.gsnr_db(way) for way in ours), default=math.inf)
        if not least_db <= light.gsnr_db(weakest) + _SETTING_TOLERANCE_DB:
            wrong.append(f"{source}→{target} over {weakest[2]}, the weakest mixture, is not among the ways")
        longest_m = light.fibre_m(weakest)[1]
        most = max((float(rows[way]["dispersion_ps_per_nm"]) for way in ours), default=0.0)
        if not most >= table()["Fiber"][0]["dispersion"] * 1e3 * longest_m * (1.0 - _SAME_SHARE):
            wrong.append(f"no way of {source}→{target} bears the longest fibre")
    return wrong


def _amplifiers_off(evidence: Evidence, light: LightAgain) -> list[str]:
    """Amplifiers that do not bear what lies before them, are better than the library's, or stand elsewhere."""
    wrong = _places_off(evidence, light)
    output_dbm = table()["Roadm"][0]["target_pch_out_db"]
    padding_db = table()["Span"][0]["padding"]
    for huts in light.lines:
        for ends in ((huts[0], huts[-1]), (huts[-1], huts[0])):
            sense = "out" if ends[0] == huts[0] else "back"
            for section in light.sections(huts, *ends):
                for cable in light.between((section[0], section[1])):
                    leg = light.leg(section, cable, sense)
                    if leg is None:
                        wrong.append(f"{section[0]}–{section[-1]} over {cable} lacks an amplifier or has two")
                        continue
                    losses = [0.0, *(max(loss, padding_db) for loss in leg.loss_db)]
                    came = [output_dbm, *(amplifier.launch_dbm for amplifier in leg.amplifiers)]
                    for hut, amplifier, loss, before in zip(section, leg.amplifiers, losses, came, strict=False):
                        wrong += _amplifier_off(f"{hut} {cable} {sense}", amplifier, loss, before)
    return wrong


def _places_off(evidence: Evidence, light: LightAgain) -> list[str]:
    """Role and measure of every amplifier, and none beyond those that light asks for."""
    due: Counter[tuple[str, str, str, str]] = Counter()
    for huts in light.lines:
        for sense, ends in (("out", (huts[0], huts[-1])), ("back", (huts[-1], huts[0]))):
            for section in light.sections(huts, *ends):
                for cable in light.between((section[0], section[1])):
                    roles = ["booster", *["line"] * (len(section) - 2), "preamplifier"]
                    due.update((hut, cable, sense, role) for hut, role in zip(section, roles, strict=True))
    found, wrong = Counter[tuple[str, str, str, str]](), []
    for row in evidence.layers["amplifiers"].rows():
        found[str(row["hut"]), str(row["cable"]), str(row["sense"]), str(row["role"])] += 1
        if not abs(float(row["measure_m"]) - light.network.huts.get(str(row["hut"]), math.nan)) <= 1e-3:
            wrong.append(f"an amplifier of {row['hut']} stands elsewhere")
    wrong += [f"{hut} {cable} {sense}: {role} missing" for hut, cable, sense, role in due - found]
    return wrong + [f"{hut} {cable} {sense}: {role} too many" for hut, cable, sense, role in found - due]


def _amplifier_off(name: str, amplifier: AmplifierStated, loss_db: float, before_dbm: float) -> list[str]:
    light, gain_db = table()["SI"][0], loss_db + amplifier.launch_dbm - before_dbm
    count = round((light["f_max"] - light["f_min"]) / light["spacing"]) + 1
    most_dbm = next((row["p_max"] for row in table()["Edfa"] if row["type_variety"] == amplifier.kind), -math.inf)
    flat_db = next((row["gain_flatmax"] for row in table()["Edfa"] if row["type_variety"] == amplifier.kind), -math.inf)
    due_db = noise_figure_due_db(amplifier.kind, amplifier.gain_db)
    wrong: list[str] = []
    if not abs(gain_db - amplifier.gain_db) <= _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: gain stated {amplifier.gain_db:.2f} dB, the losses ask {gain_db:.2f} dB")
    if not amplifier.gain_db <= flat_db + _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: gain {amplifier.gain_db:.2f} dB is more than {amplifier.kind} has")
    if not abs(amplifier.noise_figure_db - due_db) <= _SETTING_TOLERANCE_DB:
        wrong.append(
            f"{name}: noise figure stated {amplifier.noise_figure_db:.2f} dB, the library's is {due_db:.2f} dB"
        )
    if not amplifier.launch_dbm + 10.0 * math.log10(count) <= most_dbm + _SETTING_TOLERANCE_DB:
        wrong.append(f"{name}: puts out more than {most_dbm:g} dBm")
    return wrong
