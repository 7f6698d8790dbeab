"""What hangs on the candidates: every option at every place, and sectors that look where the rule says."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyproj

from trassa.linear import Layer
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.verdict import Row

__all__ = ["check_options"]

_WGS84 = pyproj.Geod(ellps="WGS84")
_TOLERANCE_DEG = 0.5


def check_options(evidence: Evidence) -> Row:
    """Each height of a place is offered with every set of sectors, tilt and back-off, and nothing else is."""
    rows, antenna = evidence.layers["candidates"], evidence.settings.radio.antenna
    if antenna.kind == "omni":
        due = set(product(["omni"], [0.0], antenna.back_offs_db))
    else:
        due = set(product(antenna.sectors, antenna.tilts_deg, antenna.back_offs_db))
    offered: dict[tuple[int, float], list[tuple[str, float, float]]] = {}
    for row in rows.rows():
        hung = (str(row["sectors"]), float(row["tilt_deg"]), float(row["back_off_db"]))
        offered.setdefault((int(row["place"]), float(row["height_m"])), []).append(hung)
    wrong = [
        f"place {place} offers {len(found)} options at {height_m:g} m, by rule {len(due)}"
        for (place, height_m), found in offered.items()
        if len(found) != len(due) or set(found) != due
    ]
    if antenna.kind != "omni" and not evidence.schematic:
        wrong += _looking_elsewhere(evidence, rows)
    said = "; ".join(wrong[:3]) or f"{len(due)} options at each of {len(offered)} masts"
    return Row("radio.options", "", None, "", not wrong, None, said)


def _looking_elsewhere(evidence: Evidence, rows: Layer) -> list[str]:
    """Candidates whose sectors do not look at their carriageway ahead and back, or opposite where the road ends."""
    radio, length_m = evidence.settings.radio, float(evidence.proof.road["length_m"])
    wrong, sides = [], evidence.carriageways
    side_of = np.array([way if way in sides else sides[0] for way in rows["carriageway"].tolist()], dtype=object)
    for side in sides:
        line = evidence.layers["alignment"].where(carriageway=side)
        line = line.take(np.argsort(line["measure_m"], kind="stable"))
        mine = rows.take(np.flatnonzero(side_of == side))
        measure, away = mine["measure_m"], radio.antenna.aim_m + np.abs(mine["offset_m"])
        for name, other, sign in (("ahead_deg", "back_deg", 1.0), ("back_deg", "ahead_deg", -1.0)):
            aimed = np.clip(measure + sign * away, 0.0, length_m)
            lat, lon = (np.interp(aimed, line["measure_m"], line[key]) for key in ("latitude_deg", "longitude_deg"))
            azimuth = np.asarray(_WGS84.inv(mine["longitude_deg"], mine["latitude_deg"], lon, lat)[0], dtype=np.float64)
            short = np.abs(aimed - measure) < 0.5 * radio.antenna.aim_m
            azimuth = np.where(short, mine[other] + 180.0, azimuth)
            off = np.abs((mine[name] - azimuth + 180.0) % 360.0 - 180.0)
            wrong += [
                f"{mine['name'][row]} looks to {mine[name][row]:.1f}°, by rule {azimuth[row] % 360.0:.1f}°"
                for row in np.flatnonzero(~(off <= _TOLERANCE_DEG)).tolist()
            ]
    return wrong
