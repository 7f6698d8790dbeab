"""The radio in tunnels, computed again: what was built, the margins of every bin, and that fewer would not do.

The bores come from the alignment and the structures (which are held against the map elsewhere), the losses from
trassa.toml and its table of the cable, bin by bin and head-end by head-end.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bore_law import BoreLaw, bore_law, heard_db
from trassa.plan.verify.radio.bores import DueBore, due_bores
from trassa.plan.verify.radio.fewest_heads import fewest_heads
from trassa.plan.verify.verdict import Row
from trassa.radio.settings import RadioSettings

__all__ = ["check_tunnels"]

FloatArray = npt.NDArray[np.float64]
Values = dict[str, int | float | str | bool]

_LAYERS = ("tunnel_heads", "tunnel_cables", "tunnel_bins")
_TOLERANCE_DB = 0.01


def check_tunnels(evidence: Evidence) -> list[Row]:
    """The rows about tunnels; none where they are exempt and nothing is claimed of them."""
    claim = next((claim for claim in evidence.proof.claims if claim.id == "radio.tunnels"), None)
    if claim is None:
        return []
    missing = [name for name in _LAYERS if name not in evidence.layers]
    if missing:
        return [Row("radio.tunnels", "", None, "dB", False, None, f"plan.gpkg lacks {', '.join(missing)}")]
    law, bores = bore_law(evidence.settings.radio), due_bores(evidence)
    heard = [heard_db(bore, law) for bore in bores]
    built, fewest = _built_row(evidence, law, bores), _fewest_row(evidence, law, bores)
    return [built, _bins_row(evidence, law, bores, heard), fewest, _claim_row(evidence, claim, law, bores, heard)]


def _ranked(bore: DueBore, heard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Largest and second-largest margin of every bin."""
    padded = np.vstack([heard, np.full((2, len(bore.at_m) - 1), -np.inf)])
    ordered = np.sort(padded, axis=0)
    return ordered[-1], ordered[-2]


def _bins_row(evidence: Evidence, law: BoreLaw, bores: list[DueBore], heard: list[FloatArray]) -> Row:
    """The stored bins: none missing, none invented, margins, levels and servers as found."""
    bins, wrong, worst_db, place = evidence.layers["tunnel_bins"], [], 0.0, ""
    keys = zip(bins["bore"].tolist(), bins["carriageway"].tolist(), np.round(bins["start_m"], 3).tolist(), strict=True)
    rows, used = {key: row for row, key in enumerate(keys)}, 0
    for bore, margins in zip(bores, heard, strict=True):
        best, second = _ranked(bore, margins)
        for b in range(len(best)):
            row = rows.get((bore.name, bore.carriageway, round(float(bore.at_m[b]), 3)))
            if row is None:
                wrong.append(f"a bin is missing at {bore.place(evidence, b)}")
                continue
            used += 1
            same = abs(bins["end_m"][row] - bore.at_m[b + 1]) < 1e-3 and bool(bins["inside"][row]) == bore.inside[b]
            level = law.need_dbm + law.fade_db + best[b]
            off = max(_apart(bins[name][row], value) for name, value in
                      (("margin_db", best[b]), ("second_margin_db", second[b]), ("rsrp_dbm", level)))  # fmt: skip
            off = max(off, _server_off(bore, margins[:, b], str(bins["head"][row]), best[b]))
            off = max(off, _server_off(bore, margins[:, b], str(bins["second"][row]), second[b]))
            if off > worst_db:
                worst_db, place = off, bore.place(evidence, b)
            if not same:
                wrong.append(f"{bore.place(evidence, b)} is stored with another end or another side of the portal")
    if len(bins) != used:
        wrong.append(f"{len(bins) - used} bins lie where no tunnel has one")
    if worst_db > _TOLERANCE_DB:
        wrong.append(f"margins differ by up to {worst_db:.2f} dB")
    said = "; ".join(wrong[:3]) or f"{used} bins of {len(bores)} bores, largest difference {worst_db:.4f} dB"
    return Row("radio.tunnels.margins", place if wrong else "", None, "dB", not wrong, None, said)


def _apart(stored: float, found: float) -> float:
    if not (math.isfinite(stored) and math.isfinite(found)):
        return 0.0 if math.isfinite(stored) == math.isfinite(found) else math.inf
    return abs(float(stored) - float(found))


def _server_off(bore: DueBore, heard: FloatArray, name: str, margin_db: float) -> float:
    """How far the named head-end is from the margin it is named for; infinite for one that the bore does not have."""
    if not name:
        return math.inf if math.isfinite(margin_db) else 0.0
    return _apart(float(heard[bore.heads.index(name)]), margin_db) if name in bore.heads else math.inf


def _built_row(evidence: Evidence, law: BoreLaw, bores: list[DueBore]) -> Row:
    """Head-ends stand at points of their bore with the power, ways and cost due; every bore with any has its cable."""
    heads, cables, radio = evidence.layers["tunnel_heads"], evidence.layers["tunnel_cables"], evidence.settings.radio
    wrong, known = [], {bore.name: bore for bore in bores}
    if len(set(heads["head"].tolist())) < len(heads):
        wrong.append("two head-ends have one name")
    for row in heads.rows():
        bore = known.get(str(row["bore"]))
        if bore is None or row["carriageway"] != bore.carriageway:
            wrong.append(f"{row['head']} stands in no bore")
            continue
        wrong += [f"{row['head']}: {name}" for name in _head_off(evidence, row, bore, law)]
    for bore in bores:
        mine = cables.where(bore=bore.name)
        if len(mine) != int(law.cable and bool(bore.heads)):
            wrong.append(f"{bore.name} has {len(mine)} cables")
        wrong += [f"cable of {bore.name}: {name}" for row in mine.rows() for name in _cable_off(row, bore, law, radio)]
    if len(cables) > len(known):
        wrong.append("a cable lies in no bore")
    metres = float(cables["length_m"].sum())
    said = "; ".join(wrong[:3]) or f"{len(heads)} head-ends, {metres:.0f} m of cable in {len(bores)} bores"
    return Row("radio.tunnels.built", "", None, "", not wrong, None, said)


def _head_off(evidence: Evidence, row: Values, bore: DueBore, law: BoreLaw) -> list[str]:
    tunnel, measure_m = evidence.settings.radio.tunnel, float(row["measure_m"])
    point = int(np.argmin(np.abs(bore.at_m - measure_m)))
    ends = {0: "ahead", len(bore.at_m) - 1: "back"} if law.cable else {}
    due: dict[str, float | str] = {
        "measure_m": float(bore.at_m[point]),
        "latitude_deg": float(bore.latitude_deg[point]),
        "longitude_deg": float(bore.longitude_deg[point]),
        "km": float(evidence.calibration.km(np.array([measure_m]))[0]),
        "ways": ends.get(point, "both"),
        "kind": tunnel.serve,
        "power_per_re_dbm": law.power_dbm,
        "cost_minor": tunnel.prices.head.amount_minor,
    }
    return [f"{name} {row[name]}, due {value}" for name, value in due.items() if _differs(row[name], value)]


def _cable_off(row: Values, bore: DueBore, law: BoreLaw, radio: RadioSettings) -> list[str]:
    slack, price = radio.tunnel.cable_slack, radio.tunnel.prices.cable.amount_minor
    length_m = float(bore.at_m[-1] - bore.at_m[0]) * (1.0 + slack)
    due: dict[str, float | str] = {
        "start_m": float(bore.at_m[0]),
        "end_m": float(bore.at_m[-1]),
        "carriageway": bore.carriageway,
        "length_m": length_m,
        "longitudinal_db_per_100m": law.longitudinal_db,
        "coupling_db": law.coupling_db,
        "cost_minor": round(length_m * price),
    }
    return [f"{name} {row[name]}, due {value}" for name, value in due.items() if _differs(row[name], value)]


def _differs(stored: object, due: float | str) -> bool:
    if isinstance(due, str) or isinstance(stored, str):
        return stored != due
    value = float(stored)  # type: ignore[arg-type]
    return not (math.isnan(value) and math.isnan(due)) and not abs(value - due) <= 1e-6 * max(1.0, abs(due))


def _fewest_row(evidence: Evidence, law: BoreLaw, bores: list[DueBore]) -> Row:
    """No bore would do with fewer head-ends; one without any could not be served by any number."""
    servers, wrong = 2 if evidence.settings.radio.any_site_down else 1, []
    for bore in bores:
        least = fewest_heads(bore.at_m, law, servers)
        if least != len(bore.heads):
            told = "no number would do" if least == 0 else f"{least} would do"
            wrong.append(f"{bore.name} has {len(bore.heads)} head-ends, {told}")
    said = "; ".join(wrong[:3]) or f"{sum(len(bore.heads) for bore in bores)} head-ends, no bore would do with fewer"
    return Row("radio.tunnels.fewest", "", None, "", not wrong, None, said)


def _claim_row(evidence: Evidence, claim: Claim, law: BoreLaw, bores: list[DueBore], heard: list[FloatArray]) -> Row:
    down, wrong = evidence.settings.radio.any_site_down, []
    margins = [_ranked(bore, one)[1 if down else 0] for bore, one in zip(bores, heard, strict=True)]
    all_db = np.concatenate([np.empty(0), *margins])
    holds = verdict(bool((all_db < 0.0).any()), estimate_reasons(evidence))
    if holds != claim.holds:
        wrong.append(f"the proof says {claim.holds}")
    length_m = sum(float(bore.at_m[-1] - bore.at_m[0]) for bore in bores)
    if abs(length_m - claim.scope.length_m) > 1.0:
        wrong.append(f"scope stated {claim.scope.length_m:.0f} m, found {length_m:.0f} m")
    wrong += _stated_off(evidence, claim, law, sum(len(bore.heads) for bore in bores))
    if not len(all_db):
        said = "; ".join(wrong) or "the road has no tunnel"
        return Row("radio.tunnels", "", None, "dB", not wrong, holds, said)
    places = [bore.place(evidence, b) for bore in bores for b in range(len(bore.at_m) - 1)]
    worst = int(np.argmin(all_db))
    value = float(all_db[worst]) if np.isfinite(all_db[worst]) else None
    stated = claim.worst.margin
    if (stated is None) != (value is None) or (stated is not None and value is not None and _far(stated, value)):
        wrong.append(f"worst margin stated {stated}, found {value}")
    ties = np.flatnonzero(all_db <= all_db[worst] + _TOLERANCE_DB)
    if not any(claim.worst.place.startswith(places[tie]) for tie in ties):
        wrong.append(f"worst place stated {claim.worst.place}")
    if claim.worst.bound is not None and _far(claim.worst.bound, law.need_dbm + law.fade_db):
        wrong.append(f"bound stated {claim.worst.bound} dBm, found {law.need_dbm + law.fade_db:.2f} dBm")
    said = "; ".join(wrong) or f"{len(all_db)} bins of {len(bores)} bores, {2 if down else 1} or more head-ends on each"
    return Row("radio.tunnels", places[worst], value, "dB", not wrong, holds, said)


def _far(stated: float, found: float) -> bool:
    return abs(stated - found) > _TOLERANCE_DB


def _stated_off(evidence: Evidence, claim: Claim, law: BoreLaw, heads: int) -> list[str]:
    """Figures of the claim's method that are not those of trassa.toml and the layers."""
    radio = evidence.settings.radio
    due = {
        "serve": radio.tunnel.serve,
        "frequency_mhz": radio.frequency_mhz,
        "power_per_re_dbm": law.power_dbm,
        "fade_db": law.fade_db,
        "loss_db_per_100m": 100.0 * law.db_per_m,
        "servers": 2 if radio.any_site_down else 1,
        "shortest_m": radio.tunnel.shortest_m,
        "reliability": radio.reliability,
        "heads": heads,
    }
    wrong = [name for name, value in due.items() if _off_by(claim.method.get(name), value)]
    sizes = {one.name: one.size for one in claim.assumptions}
    assumed = {"tunnel.sigma": radio.tunnel.sigma_db, "tunnel.lane_distance": radio.tunnel.lane_distance_m}
    if law.cable:
        assumed |= {"tunnel.coupling_loss": law.coupling_db, "tunnel.longitudinal_loss": law.longitudinal_db}
        assumed |= {"tunnel.cable_slack": radio.tunnel.cable_slack, "tunnel.local_sigma": radio.tunnel.local_sigma_db}
    else:
        assumed["tunnel.excess"] = radio.tunnel.excess_db_per_100m
    wrong += [name for name, size in assumed.items() if _off_by(sizes.get(name), size)]
    return [f"{name} is stated otherwise than trassa.toml has it" for name in wrong]


def _off_by(stated: object, due: float | str) -> bool:
    if isinstance(due, str):
        return stated != due
    return not isinstance(stated, (int, float)) or abs(stated - due) > 1e-3
