"""The path from a mast to the farthest bin it serves: terrain, what stands on it, line of sight and Fresnel zone.

Heights stand above a chord that is bent like the median effective Earth, so the line of sight is drawn straight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.linear.ruler import nice_step_m
from trassa.plan.report.levels import runs
from trassa.plan.report.svg import Px, coordinate, line, tag, text

__all__ = ["MastPath", "profile_picture"]

FloatArray = npt.NDArray[np.float64]

_LEFT, _TOP, _WIDE, _TALL = 44.0, 12.0, 740.0, 160.0
_ZONE_POINTS = 48


@dataclass(frozen=True)
class MastPath:
    """A path over an effective Earth. Arrays have shape (points,), ``distance_m`` rises from 0.

    ``ground_m`` is above the sea, ``clutter_m`` stands on it; both antennas are above the ground at their ends.
    """

    distance_m: FloatArray
    ground_m: FloatArray
    clutter_m: FloatArray
    mast_m: float
    vehicle_m: float
    wavelength_m: float
    earth_radius_km: float

    @property
    def length_m(self) -> float:
        """Length of the path."""
        return float(self.distance_m[-1])

    def bulge_m(self, at_m: FloatArray) -> FloatArray:
        """How much higher the Earth stands than its chord there, m."""
        return at_m * (self.length_m - at_m) / (2000.0 * self.earth_radius_km)

    def sight_m(self, at_m: FloatArray) -> FloatArray:
        """Height of the straight line between the antennas, m."""
        first, last = float(self.ground_m[0]) + self.mast_m, float(self.ground_m[-1]) + self.vehicle_m
        return first + (last - first) * at_m / self.length_m

    def fresnel_m(self, at_m: FloatArray) -> FloatArray:
        """Radius of the first Fresnel zone √(λ d₁ d₂ / d), m."""
        return np.asarray(np.sqrt(self.wavelength_m * at_m * (self.length_m - at_m) / self.length_m))

    @property
    def below_horizon_deg(self) -> float:
        """Angle of the vehicle below the mast's horizon: height over distance, and half the turn of the Earth."""
        fall_m = float(self.ground_m[0] - self.ground_m[-1]) + self.mast_m - self.vehicle_m
        return math.degrees(math.atan2(fall_m, self.length_m) + self.length_m / (2000.0 * self.earth_radius_km))

    def clearance(self) -> tuple[float, float]:
        """Where the path is least clear, and by how many radii of the first Fresnel zone (below 0: blocked)."""
        at_m = self.distance_m[1:-1]
        top_m = (self.ground_m + self.clutter_m)[1:-1] + self.bulge_m(at_m)
        shares = (self.sight_m(at_m) - top_m) / self.fresnel_m(at_m)
        worst = int(np.argmin(shares))
        return float(at_m[worst]), float(shares[worst])


def profile_picture(path: MastPath) -> str:
    """The picture as SVG; the vertical scale is stretched."""
    bulge_m = path.bulge_m(path.distance_m)
    ground_m, top_m = path.ground_m + bulge_m, path.ground_m + path.clutter_m + bulge_m
    zone_at_m = 0.5 * path.length_m * (1.0 - np.cos(np.linspace(0.0, np.pi, _ZONE_POINTS)))
    lower_m, upper_m = (path.sight_m(zone_at_m) + side * path.fresnel_m(zone_at_m) for side in (-1.0, 1.0))
    low, high = min(float(ground_m.min()), float(lower_m.min())), max(float(top_m.max()), float(upper_m.max()))
    frame = _Frame(path.length_m, low, max(high, low + 20.0))
    body = [
        *frame.axes(),
        *frame.clutter(path, ground_m),
        frame.ground(path.distance_m, ground_m),
        frame.shape(zone_at_m, lower_m, upper_m, "fresnel"),
        *frame.ends(path),
        *frame.worst(path),
    ]
    return tag("svg", body, viewBox="0 0 800 208", class_="profile", role="img", aria_label="terrain profile")


@dataclass(frozen=True)
class _Frame:
    """Distances and heights as picture coordinates."""

    length_m: float
    low_m: float
    high_m: float

    def x(self, at_m: float) -> Px:
        return _LEFT + at_m / self.length_m * _WIDE

    def y(self, height_m: float) -> Px:
        return _TOP + (self.high_m - height_m) / (self.high_m - self.low_m) * _TALL

    def axes(self) -> Iterator[str]:
        step_m = nice_step_m((self.high_m - self.low_m) / 5.0)
        for index in range(math.ceil(self.low_m / step_m), math.floor(self.high_m / step_m) + 1):
            y = self.y(index * step_m)
            yield line(_LEFT, y, _LEFT + _WIDE, y, "grid")
            yield text(_LEFT - 4, y + 3, f"{index * step_m:g}", "scale", "end")
        along_m = nice_step_m(self.length_m / 9.0)
        bottom = _TOP + _TALL
        for index in range(math.floor(self.length_m / along_m) + 1):
            x = self.x(index * along_m)
            yield line(x, bottom, x, bottom + 3, "axis")
            yield text(x, bottom + 13, f"{index * along_m / 1000.0:g}", "scale", "middle")
        yield line(_LEFT, bottom, _LEFT + _WIDE, bottom, "axis")
        yield text(0, 8, "m above sea, the bulge of the Earth added", "scale")
        yield text(_LEFT + _WIDE / 2, bottom + 26, "km from the mast", "scale", "middle")

    def ground(self, at_m: FloatArray, level_m: FloatArray) -> str:
        bottom = coordinate(_TOP + _TALL)
        return tag("path", d=f"M{_LEFT:g} {bottom}L{self._points(at_m, level_m)}V{bottom}z", class_="ground")

    def clutter(self, path: MastPath, ground_m: FloatArray) -> Iterator[str]:
        """One shape for each stretch of woods or houses; they end half way to the next open point."""
        at_m = path.distance_m
        middle_m = np.concatenate([at_m[:1], 0.5 * (at_m[1:] + at_m[:-1]), at_m[-1:]])
        for first, last in runs(path.clutter_m > 0.0):
            edges_m = np.concatenate([middle_m[first : first + 1], at_m[first:last], middle_m[last : last + 1]])
            level_m = np.interp(edges_m, at_m, ground_m)
            stands_m = np.concatenate([path.clutter_m[[first]], path.clutter_m[first:last], path.clutter_m[[last - 1]]])
            yield self.shape(edges_m, level_m, level_m + stands_m, "clutter")

    def shape(self, at_m: FloatArray, lower_m: FloatArray, upper_m: FloatArray, class_: str) -> str:
        around = f"{self._points(at_m, upper_m)}L{self._points(at_m[::-1], lower_m[::-1])}"
        return tag("path", d=f"M{around}z", class_=class_)

    def _points(self, at_m: FloatArray, height_m: FloatArray) -> str:
        pairs = zip(at_m.tolist(), height_m.tolist(), strict=True)
        return "L".join(f"{coordinate(self.x(a))} {coordinate(self.y(h))}" for a, h in pairs)

    def ends(self, path: MastPath) -> Iterator[str]:
        ends_m = np.array([0.0, path.length_m])
        first, last = (self.y(h) for h in path.sight_m(ends_m).tolist())
        yield line(self.x(0.0), first, self.x(path.length_m), last, "sight")
        yield line(self.x(0.0), self.y(float(path.ground_m[0])), self.x(0.0), first, "mast")
        yield tag("circle", cx=self.x(path.length_m), cy=last, r=2.4, class_="vehicle")

    def worst(self, path: MastPath) -> Iterator[str]:
        at_m, _ = path.clearance()
        height_m = float(np.interp(at_m, path.distance_m, path.ground_m + path.clutter_m))
        y = self.y(height_m + float(path.bulge_m(np.array([at_m]))[0]))
        yield line(self.x(at_m), y, self.x(at_m), self.y(float(path.sight_m(np.array([at_m]))[0])), "least")
