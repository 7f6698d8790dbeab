"""What the published path profiles ask, and the answers they give: the part of a profile file the product skips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measurement", "measurements"]


@dataclass(frozen=True)
class Measurement:
    """One case of a profile file: what was transmitted, the field and the basic transmission loss found."""

    frequency_mhz: float
    transmitter_antenna_m: float
    receiver_antenna_m: float
    vertical: bool
    time_percent: float
    power_kw: float
    """Effective radiated power."""
    field_dbuv_per_m: float
    loss_db: float


def measurements(path: Path) -> list[Measurement]:
    """The cases of a profile file in their order."""
    lines = [line.split(",") for line in path.read_text("latin-1").splitlines()]
    marks = [fields[0] for fields in lines]
    block = lines[marks.index("{Begin of Measurements}") + 1 : marks.index("{End of Measurements}")]
    return [
        Measurement(
            frequency_mhz=float(case[0]),
            transmitter_antenna_m=float(case[1]),
            receiver_antenna_m=float(case[3]),
            vertical={"1": False, "2": True}[case[4]],
            time_percent=float(case[14]),
            power_kw=10.0 ** (0.1 * float(case[12])) / 1000.0,
            field_dbuv_per_m=float(case[16]),
            loss_db=float(case[17]),
        )
        for case in block
    ]
