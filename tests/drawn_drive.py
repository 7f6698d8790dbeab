"""A drive test drawn over a plan: its own levels with a planted offset and shadowing, as a phone logs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trassa.plan.radio.questions import planned_radio

__all__ = ["drawn_cells", "drawn_drive"]


def drawn_drive(
    project: Path, path: Path, *, offset_db: float, sigma_db: float, distance_m: float = 150.0, seed: int = 1
) -> Path:
    """Two drives with rising measure, a reading every 30 m in the middle of a bin; shadowing correlates by 1/e.

    Each reading is the level that the layer ``bins`` holds, plus the offset and the shadowing of that drive. ``Cell``
    is the serving cell as the plan calls it, ``ECI`` the number of its site.
    """
    planned, random = planned_radio(project), np.random.default_rng(seed)
    rows = planned.layers["bins"].where(carriageway="increasing", exempt="")
    rows = rows.take(np.flatnonzero(np.isfinite(rows["rsrp_dbm"]))[::3])
    line = planned.road.alignments["increasing"]
    measure_m = 0.5 * (rows["start_m"] + rows["end_m"])
    lat = np.interp(measure_m, line.measure_m, line.latitude_deg)
    lon = np.interp(measure_m, line.measure_m, line.longitude_deg)
    kept = np.exp(-np.diff(measure_m, prepend=measure_m[0]) / distance_m)
    lines = ["seconds,Lat,Lon,RSRP (dBm),km/h,drive,Cell,ECI"]
    for drive in (1, 2):
        white, shadow = random.normal(size=len(rows)), np.empty(len(rows))
        shadow[0] = white[0]
        for i in range(1, len(rows)):
            shadow[i] = kept[i] * shadow[i - 1] + np.sqrt(1.0 - kept[i] ** 2) * white[i]
        for i, level_dbm in enumerate(rows["rsrp_dbm"] + offset_db + sigma_db * shadow):
            site = str(rows["server"][i])
            place = f"{i},{lat[i]:.7f},{lon[i]:.7f}"
            lines.append(f"{place},{level_dbm:.2f},108,d{drive},{site}/1,{int(site.removeprefix('S-'))}")
    path.write_text("\n".join([*lines, ""]), "utf-8")
    return path


def drawn_cells(project: Path, path: Path) -> Path:
    """The sites of a plan as an operator lists cells: ``ECI`` as in the drive, position, carrier."""
    planned = planned_radio(project)
    lines = [
        f"{int(str(site['site']).removeprefix('S-'))},{site['latitude_deg']:.7f},{site['longitude_deg']:.7f},800"
        for site in planned.layers["sites"].rows()
    ]
    path.write_text("\n".join(["ECI,Lat,Lon,MHz", *lines, ""]), "utf-8")
    return path
