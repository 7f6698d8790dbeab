"""Quadtree tiles of the Web-Mercator map: how a message says for which ground it is meant.

A tile is a *quadkey*, one digit a level::

    0 1     0 north-west   1 north-east
    2 3     2 south-west   3 south-east

Half a pixel of a 256-pixel tile is added before the division, as the Bing formula does and with it the exchanges of
NordicWay and Orange; a plain floor names another tile for one place in 270. Whoever addresses an *area* need not care:
:func:`tiles_touching` takes every tile within a margin that is wider than half a pixel.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_LEVEL", "quadkey", "quadkeys", "tile_side_m", "tiles_touching"]

MAX_LEVEL = 22
_MAX_LATITUDE_DEG = 85.05112878
_EQUATOR_M = 40_075_016.686
_TILE_PIXELS = 256
_LEAST_MARGIN_M = 10.0
"""Wider than half a pixel (2.4 m on level 14 at 60° N is 1/512 of a tile) and than a coordinate's own rounding."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def quadkey(latitude_deg: float, longitude_deg: float, level: int = 14) -> str:
    """The tile in which a place lies, as text of ``level`` digits."""
    return quadkeys(np.array([latitude_deg]), np.array([longitude_deg]), level)[0]


def quadkeys(latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, level: int = 14) -> list[str]:
    """The tile of each place."""
    column, row = _tile_numbers(*_unit_square(latitude_deg, longitude_deg), level)
    return [_digits(int(c), int(r), level) for c, r in zip(column, row, strict=True)]


def tile_side_m(latitude_deg: float, level: int = 14) -> float:
    """The side of a tile on the ground at a latitude, m."""
    return float(_EQUATOR_M * np.cos(np.radians(latitude_deg)) / 2**level)


def tiles_touching(
    latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike, level: int = 14, margin_m: float = 50.0
) -> tuple[str, ...]:
    """Every tile that a line of places comes within ``margin_m`` of, sorted; a single place is a line too.

    The margin is at least 10 m, so that a place on the border of two tiles has both, however the reader rounds.
    """
    x, y = _unit_square(latitude_deg, longitude_deg)
    if not len(x):
        return ()
    margin = max(margin_m, _LEAST_MARGIN_M) / (_EQUATOR_M * np.cos(np.radians(np.asarray(latitude_deg, np.float64))))
    x, y, margin = _densified(x, y, margin)
    west, north = _tile_numbers(x - margin, y - margin, level)
    east, south = _tile_numbers(x + margin, y + margin, level)
    found = {
        (column, row)
        for w, e, n, s in np.unique(np.column_stack([west, east, north, south]), axis=0).tolist()
        for column in range(w, e + 1)
        for row in range(n, s + 1)
    }
    return tuple(sorted(_digits(column, row, level) for column, row in found))


def _unit_square(latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Places on the Mercator square, x from the west and y from the north, 0 to 1."""
    lat = np.clip(np.atleast_1d(np.asarray(latitude_deg, np.float64)), -_MAX_LATITUDE_DEG, _MAX_LATITUDE_DEG)
    lon = np.clip(np.atleast_1d(np.asarray(longitude_deg, np.float64)), -180.0, 180.0)
    sine = np.sin(np.radians(lat))
    return (lon + 180.0) / 360.0, 0.5 - np.log((1.0 + sine) / (1.0 - sine)) / (4.0 * np.pi)


def _tile_numbers(x: FloatArray, y: FloatArray, level: int) -> tuple[IntArray, IntArray]:
    """Column and row of the tile of each point of the square."""
    if not 1 <= level <= MAX_LEVEL:
        raise ValueError(f"tiles: level {level} is not within 1…{MAX_LEVEL}")
    pixels = _TILE_PIXELS << level
    column = np.clip(x * pixels + 0.5, 0, pixels - 1).astype(np.int64) // _TILE_PIXELS
    row = np.clip(y * pixels + 0.5, 0, pixels - 1).astype(np.int64) // _TILE_PIXELS
    return column, row


def _densified(x: FloatArray, y: FloatArray, margin: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The line with points no farther apart than the margin: then the squares around them leave no tile out."""
    if len(x) == 1:
        return x, y, margin
    margin = np.minimum(margin[:-1], margin[1:])
    pieces = np.maximum(1, np.ceil(np.maximum(np.abs(np.diff(x)), np.abs(np.diff(y))) / margin)).astype(np.int64)
    of = np.repeat(np.arange(len(pieces)), pieces)
    within = (np.arange(len(of)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[of]
    dense_x = x[of] + within * np.diff(x)[of]
    dense_y = y[of] + within * np.diff(y)[of]
    return np.append(dense_x, x[-1]), np.append(dense_y, y[-1]), np.append(margin[of], margin[-1])


def _digits(column: int, row: int, level: int) -> str:
    return "".join(str((column >> bit & 1) + 2 * (row >> bit & 1)) for bit in range(level - 1, -1, -1))
