"""The answer to a drive test: laws, errors where it was not used, and settings calibrated by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trassa.errors import InputError, UsageError
from trassa.radio.drive_comparison import Comparison
from trassa.radio.drive_evaluation import BandEvaluation, evaluated
from trassa.radio.drive_test_files import read_cells, read_measurements, read_sessions

__all__ = ["DriveTestAnswer", "drive_test_answer"]


@dataclass(frozen=True)
class DriveTestAnswer:
    """All bands of a drive test, and what was left out on the way."""

    bands: tuple[BandEvaluation, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON."""
        return {"bands": [_band_dict(band) for band in self.bands], "notes": list(self.notes)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows for a terminal."""
        header = [
            "band",
            "readings",
            "law",
            "σ law",
            "samples",
            "2 km left out: law",
            "trassa",
            "better by (95 %)",
            "a run left out",
        ]
        rows = []
        for band in self.bands:
            law, judged = band.law.law, band.stretches
            better = f"{judged.difference_db:.2f} dB ({judged.low_db:.2f} … {judged.high_db:.2f})"
            formula = f"{law.a_dbm:.1f} {law.b_db:+.1f} lg d"
            repeated = f"{band.runs.trassa_rmse_db:.2f} dB" if band.runs.samples else "one run"
            errors = [f"{judged.law_rmse_db:.2f} dB", f"{judged.trassa_rmse_db:.2f} dB", better, repeated]
            rows.append(
                [band.name, f"{band.law.readings}", formula, f"{law.sigma_db:.1f}", f"{judged.samples}", *errors]
            )
        return header, rows

    def text(self) -> str:
        """What is left after the prediction, a sentence a band, and what it must not be used for."""
        lines = [_spread_text(band) for band in self.bands]
        return "\n".join([*lines, "Sigmas of a prediction without terrain: a proof takes that of its own prediction."])


def _spread_text(band: BandEvaluation) -> str:
    one = band.calibration
    reach = f"correlated over {one.correlation_m:.0f} m" if np.isfinite(one.correlation_m) else "too short to correlate"
    interval = f" ({one.sigma_low_db:.1f} … {one.sigma_high_db:.1f})" if one.stretches > 1 else ""
    worth = f"{one.samples} readings worth {one.effective_samples:.0f}"
    return f"{band.name}: sigma {one.sigma_db:.1f} dB{interval}, {reach}, {worth}"


def _band_dict(band: BandEvaluation) -> dict[str, Any]:
    law = {"a_dbm": band.law.law.a_dbm, "b_db": band.law.law.b_db, "sigma_db": band.law.law.sigma_db}
    along = {name: getattr(band.along, name).tolist() for name in band.along.__dataclass_fields__}
    return {
        "band": band.name,
        "readings": band.law.readings,
        "median_distance_m": round(band.law.median_distance_m, 1),
        "law": {key: round(value, 3) for key, value in law.items()},
        "stretches_left_out": _comparison_dict(band.stretches),
        "runs_left_out": _comparison_dict(band.runs),
        "calibration": band.calibration.as_dict(),
        "along_road": along,
    }


def _comparison_dict(one: Comparison) -> dict[str, float | int | None]:
    values = {name: getattr(one, name) for name in one.__dataclass_fields__}
    return {key: value if isinstance(value, int) else _finite(value) for key, value in values.items()}


def _finite(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def drive_test_answer(
    place: Path, mapping: Mapping[str, str], cells: Path | None, cells_mapping: Mapping[str, str], operator: str = ""
) -> DriveTestAnswer:
    """The evaluation of a drive test: a folder of sessions, or a CSV read by a mapping beside a CSV of cells.

    Raises :class:`~trassa.errors.InputError` where a file cannot be meant or nothing can be predicted, and
    :class:`~trassa.errors.UsageError` for what is said of the one and given with the other.
    """
    if place.is_dir():
        if mapping or cells is not None or cells_mapping:
            told = f"drive test: {place} is a folder of sessions: it has its own columns and lists of cells"
            raise UsageError(told, cure="without --column and --cells, or one CSV of readings")
        return _answered(*evaluated(*read_sessions(place, operator)))
    if operator:
        raise UsageError(f"drive test: {place} is a table: --operator picks one of a folder", cure="leave it out")
    readings = read_measurements(place, mapping)
    if cells is None:
        raise InputError(f"drive test: {place.name} comes without its cells", cure="--cells FILE with the sites")
    return _answered(*evaluated(readings, read_cells(cells, cells_mapping)))


def _answered(bands: list[BandEvaluation], notes: list[str]) -> DriveTestAnswer:
    return DriveTestAnswer(tuple(bands), tuple(notes))
