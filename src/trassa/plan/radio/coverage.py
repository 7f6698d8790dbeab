"""Coverage of a planned road as files: the project's sites with their antennas, on the grid beside the road."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError, UsageError
from trassa.plan.radio.links import looks_of, placed
from trassa.plan.radio.questions import PlannedRadio, planned_radio
from trassa.provenance import Progress
from trassa.radio.bins import Points
from trassa.radio.coupling import option_attenuation_db
from trassa.radio.coverage_files import export_coverage
from trassa.radio.options import Options
from trassa.radio.raster import Attenuation, CoverageRules, coverage_lattice

__all__ = ["CoverageFiles", "coverage_rules", "site_attenuation", "write_coverage"]

FloatArray = npt.NDArray[np.float64]

_STEP_M = (1.0, 10_000.0)
_HALF_WIDTH_M = (50.0, 50_000.0)


@dataclass(frozen=True)
class CoverageFiles:
    """What was written, and the grid it stands on: nodes by latitude and longitude."""

    files: tuple[Path, ...]
    rows: int
    cols: int
    sites: int

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        files = [{"path": str(file), "size_bytes": file.stat().st_size} for file in self.files]
        return {"files": files, "rows": self.rows, "cols": self.cols, "sites": self.sites}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        return ["file", "bytes"], [[str(file), f"{file.stat().st_size}"] for file in self.files]

    def text(self) -> str:
        """A sentence about the grid."""
        return f"median RSRP and best server of {self.sites} sites at {self.rows} × {self.cols} nodes"


def write_coverage(folder: Path, into: Path, step_m: float, half_width_m: float, progress: Progress) -> CoverageFiles:
    """Write the coverage of a planned project into a folder.

    Raises :class:`~trassa.errors.InputError` for a project without terrain and for a folder that holds a project.
    """
    for name, value, (low, high) in (("step", step_m, _STEP_M), ("half width", half_width_m, _HALF_WIDTH_M)):
        if not low <= value <= high:
            raise UsageError(f"coverage: a {name} of {value:g} m", cure=f"{low:g} to {high:g} m")
    if into.exists() and not into.is_dir():
        raise InputError(f"coverage: {into} is a file, not a folder", cure="the name of a folder")
    if (into / "trassa.toml").exists():
        raise InputError(f"coverage: {into} holds a project", cure="a folder of its own for the files")
    planned = planned_radio(folder)
    sites, ground, rules = planned.layers["sites"], planned.ground, coverage_rules(planned, step_m, half_width_m)
    if ground is None:
        raise InputError(f"coverage: {folder} has no terrain", cure="terrain.files, or a project that was fetched")
    if not len(sites):
        raise InputError(f"coverage: the plan of {folder} has no site", cure=f"trassa show {folder}")
    lattice = coverage_lattice(planned.road, ground, rules)
    written = export_coverage(planned.road, ground, sites, rules, into, site_attenuation(planned), progress)
    return CoverageFiles(tuple(written), lattice.rows, lattice.cols, len(sites))


def coverage_rules(planned: PlannedRadio, step_m: float, half_width_m: float) -> CoverageRules:
    """The model and the medians of the link budget: what the plan's bins are computed with."""
    settings, budget = planned.settings, planned.budget
    return CoverageRules(
        frequency_mhz=settings.frequency_mhz,
        eirp_per_re_dbm=budget.eirp_per_re_dbm,
        receiver_gain_dbi=budget.vehicle_gain_dbi,
        receiver_antenna_m=settings.vehicle_antenna_m,
        reach_m=settings.reach_m,
        dn_per_km=settings.dn_per_km,
        n0_n_units=settings.n0,
        polarisation=settings.polarisation,
        propagation=settings.propagation,
        half_width_m=half_width_m,
        step_m=step_m,
    )


def site_attenuation(planned: PlannedRadio) -> Attenuation:
    """What each site's antennas take from a link towards any place: the better sector, and the back-off."""
    candidates, slots, pattern = planned.candidates, planned.slots, planned.pattern
    options, antenna_m = candidates.options, planned.settings.vehicle_antenna_m

    def attenuation_db(site: int, lat: FloatArray, lon: FloatArray, height_m: FloatArray) -> FloatArray:
        option = slots[site] % len(options)
        if pattern is None or not options.sectors[option]:
            return np.full(len(lat), float(options.back_off_db[option]))
        here, hung = placed(candidates, slots[site]), _alone(options, option)
        nowhere = np.full(len(lat), np.nan)
        spots = Points(
            planned.points.carriageways, np.zeros(len(lat), np.int64), nowhere, lat, lon, height_m - antenna_m
        )
        looks = looks_of(here, spots, np.arange(len(lat)), planned)
        return option_attenuation_db(hung, looks, pattern)[:, 0]

    return attenuation_db


def _alone(options: Options, option: int) -> Options:
    """One option as the only one, on the only mast."""
    at = np.array([option])
    hung = (options.ahead[at], options.back[at], options.tilt_deg[at], options.back_off_db[at])
    return Options(np.zeros(1, np.int64), *hung)
