"""The antennas of a site: the horizontal cut on a compass with the road's directions, and the vertical cut."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.plan.report.svg import Px, coordinate, line, tag, text
from trassa.radio.antenna import AntennaPattern

__all__ = ["Sector", "compass", "vertical_cut"]

FloatArray = npt.NDArray[np.float64]

_DEEPEST_DB = 30.0
_RADIUS, _MIDDLE_X, _MIDDLE_Y = 82.0, 170.0, 112.0
_STEP_DEG = 5.0
_LEFT, _TOP, _WIDE, _TALL = 34.0, 12.0, 250.0, 150.0
_UP_DEG, _DOWN_DEG = -10.0, 25.0
_LETTER: Px = 4.6


@dataclass(frozen=True)
class Sector:
    """A cell as drawn: its name, azimuth from north and downward tilt in degrees."""

    name: str
    azimuth_deg: float
    tilt_deg: float


def compass(pattern: AntennaPattern, sectors: Sequence[Sector], ways_deg: Sequence[tuple[str, float]]) -> str:
    """The horizontal cut of every sector about its azimuth at its tilt, north up; radius is dB below the axis.

    ``ways_deg`` names directions of the road: an arrow and the azimuth in degrees.
    """
    body = [*_rings(), *(mark for words, azimuth in ways_deg for mark in _road(words, azimuth))]
    for index, sector in enumerate(sectors):
        off_deg = np.arange(-180.0, 180.0, _STEP_DEG)
        loss_db = pattern.attenuation_db(off_deg, sector.tilt_deg, sector.tilt_deg)
        points = (_at(a, _radius(db)) for a, db in zip(off_deg + sector.azimuth_deg, loss_db.tolist(), strict=True))
        shape = "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points) + "z"
        title = tag("title", f"{sector.name} at {sector.azimuth_deg:.0f}°")
        body.append(tag("path", title, d=shape, class_=f"beam b{index % 2}"))
    for sector in sectors:
        x, y = _at(sector.azimuth_deg, 0.62 * _RADIUS)
        body.append(text(x, y + 3, sector.name.rpartition("/")[2], "label strong", "middle"))
    return tag("svg", body, viewBox="0 0 340 218", class_="antenna", role="img", aria_label="horizontal pattern")


def _rings() -> Iterator[str]:
    for down_db in (0.0, 10.0, 20.0):
        yield tag("circle", cx=_MIDDLE_X, cy=_MIDDLE_Y, r=_radius(down_db), class_="ring")
        words = "0 dB" if not down_db else f"−{down_db:g}"
        x, y = _at(135.0, _radius(down_db))
        yield text(x + 2, y + 7, words, "scale")
    for azimuth, words in ((0.0, "N"), (90.0, "E"), (180.0, "S"), (270.0, "W")):
        (x1, y1), (x2, y2) = _at(azimuth, 0.0), _at(azimuth, _RADIUS)
        yield line(x1, y1, x2, y2, "ring")
        x, y = _at(azimuth, _RADIUS + 9)
        yield text(x, y + 3, words, "label strong" if words == "N" else "label", "middle")


def _road(words: str, azimuth_deg: float) -> Iterator[str]:
    (x1, y1), (x2, y2) = _at(azimuth_deg, 0.0), _at(azimuth_deg, _RADIUS + 4)
    yield line(x1, y1, x2, y2, "way")
    x, y = _at(azimuth_deg, _RADIUS + 20)
    anchor = "start" if x > _MIDDLE_X + 30 else "end" if x < _MIDDLE_X - 30 else "middle"
    x += -8 if anchor == "start" else 8 if anchor == "end" else 0
    yield text(x, y + 3, words, "label way-name", anchor)


def _radius(down_db: float) -> Px:
    return _RADIUS * (1.0 - min(max(down_db, 0.0), _DEEPEST_DB) / _DEEPEST_DB)


def _at(azimuth_deg: float, radius: Px) -> tuple[Px, Px]:
    turn = math.radians(azimuth_deg)
    return _MIDDLE_X + radius * math.sin(turn), _MIDDLE_Y - radius * math.cos(turn)


def vertical_cut(pattern: AntennaPattern, tilt_deg: float, marks: Sequence[tuple[str, float]]) -> str:
    """The vertical cut through the axis: dB below the axis over the angle below the horizon.

    ``marks`` names angles below the horizon in degrees.
    """
    below_deg = np.arange(_UP_DEG, _DOWN_DEG + 0.5, 1.0)
    loss_db = pattern.attenuation_db(0.0, below_deg, tilt_deg)
    body: list[str] = []
    for round_deg in range(int(_UP_DEG), int(_DOWN_DEG) + 1, 5):
        x = _across(round_deg)
        body.append(line(x, _TOP, x, _TOP + _TALL, "edge" if round_deg == 0 else "grid"))
        body.append(text(x, _TOP + _TALL + 11, f"{round_deg}°".replace("-", "−"), "scale", "middle"))
    for down_db in (0.0, 10.0, 20.0, 30.0):
        y = _below(down_db)
        body.append(line(_LEFT, y, _LEFT + _WIDE, y, "grid"))
        body.append(text(_LEFT - 4, y + 3, "0 dB" if not down_db else f"−{down_db:g}", "scale", "end"))
    points = "L".join(
        f"{coordinate(_across(a))} {coordinate(_below(db))}"
        for a, db in zip(below_deg.tolist(), loss_db.tolist(), strict=True)
    )
    for index, (words, angle) in enumerate(sorted(marks, key=lambda mark: mark[1])):
        if _UP_DEG <= angle <= _DOWN_DEG:
            x, said = _across(angle), f"{words} {angle:.1f}°".replace("-", "−")
            first = index == 0 and len(marks) > 1
            left = first and x - _LEFT > _LETTER * len(said)  # else it would run into the scale: a line of its own
            body.append(line(x, _TOP, x, _TOP + _TALL, "way"))
            y = _TOP + _TALL - (17 if first and not left else 5)
            body.append(text(x + (-4.0 if left else 4.0), y, said, "label", "end" if left else "start"))
    body.append(tag("path", d=f"M{points}", class_="cut"))
    body.append(text(_LEFT + _WIDE / 2, _TOP + _TALL + 24, "angle below the horizon", "scale", "middle"))
    return tag("svg", body, viewBox="0 0 300 192", class_="antenna", role="img", aria_label="vertical pattern")


def _across(angle_deg: float) -> Px:
    return _LEFT + (angle_deg - _UP_DEG) / (_DOWN_DEG - _UP_DEG) * _WIDE


def _below(down_db: float) -> Px:
    return _TOP + min(max(down_db, 0.0), _DEEPEST_DB) / _DEEPEST_DB * _TALL
