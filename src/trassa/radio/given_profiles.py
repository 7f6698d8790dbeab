"""The fast path over profiles that are given as arrays instead of sampled from a grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trassa.errors import InputError
from trassa.radio.compiled import compiled
from trassa.radio.diffraction import Polarisation
from trassa.radio.fast_p1812 import Physics
from trassa.radio.path_kernel import profile_losses_db
from trassa.radio.profile_sampling import Scratch, scratch
from trassa.radio.propagation import Propagation, physics

__all__ = ["profile_losses"]

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]


def profile_losses(
    distance_m: npt.ArrayLike,
    ground_m: npt.ArrayLike,
    clutter_m: npt.ArrayLike,
    heights_m: npt.ArrayLike,
    latitude_deg: npt.ArrayLike,
    *,
    frequency_mhz: float,
    receiver_antenna_m: float,
    dn_per_km: float = 45.0,
    n0_n_units: float = 325.0,
    time_percent: float = 50.0,
    polarisation: Polarisation = "vertical",
    propagation: Propagation = "p1812",
) -> SingleArray:
    """Losses in dB over inland profiles of equal steps, shape (profiles, heights).

    ``ground_m`` (bare ground above sea level, the mast's first) and ``clutter_m`` have shape (profiles, points), at
    least 5 points; the clutter of both ends is ignored. ``distance_m`` (profiles,) are lengths, ``heights_m``
    (profiles, heights) antenna heights above the first point, NaN for none, ``latitude_deg`` (profiles,) the middles
    of the paths. Nothing is done about paths below 250 m. Raises InputError on what the model cannot take.
    """
    ground = np.ascontiguousarray(ground_m, dtype=np.float32)
    clutter = np.ascontiguousarray(clutter_m, dtype=np.float32)
    distance = np.ascontiguousarray(distance_m, dtype=np.float64)
    heights = np.ascontiguousarray(heights_m, dtype=np.float64)
    latitude = np.ascontiguousarray(np.broadcast_to(latitude_deg, distance.shape), dtype=np.float64)
    _check(distance, ground, clutter, heights)
    model = physics(
        frequency_mhz, dn_per_km, receiver_antenna_m, polarisation, 1.0,
        n0_n_units=n0_n_units, time_percent=time_percent, propagation=propagation,
    )  # fmt: skip
    losses_db = np.full(heights.shape, np.inf, dtype=np.float32)
    _fill(model, scratch(float(ground.shape[1]), 1.0), distance, ground, clutter, heights, latitude, losses_db)
    return losses_db


def _check(distance: FloatArray, ground: SingleArray, clutter: SingleArray, heights: FloatArray) -> None:
    if ground.ndim != 2 or ground.shape[1] < 5 or clutter.shape != ground.shape:
        raise InputError(f"radio: profiles of shape {ground.shape} with cover {clutter.shape}, 5 points or more needed")
    if heights.ndim != 2 or len(heights) != len(ground) or distance.shape != (len(ground),):
        raise InputError(f"radio: {len(ground)} profiles, but distances {distance.shape} and heights {heights.shape}")
    if not (np.isfinite(ground).all() and np.isfinite(clutter).all()):
        raise InputError("radio: a given profile touches unknown ground")
    if np.any((heights < 1.0) | (heights > 3000.0)) or not np.all(distance > 0.0):
        raise InputError("radio: given profiles need a length above 0 m and mast heights of 1…3000 m")


@compiled
def _fill(
    model: Physics, room: Scratch, distance_m: FloatArray, ground_m: SingleArray, clutter_m: SingleArray,
    heights_m: FloatArray, latitude_deg: FloatArray, losses_db: SingleArray,
) -> None:  # fmt: skip
    n = ground_m.shape[1] - 1
    for p in range(len(distance_m)):
        ground, clutter, base = ground_m[p], clutter_m[p], ground_m[p, 0]
        for i in range(n + 1):
            height = ground[i] - base
            room.ground_m[i] = height
            room.raised_m[i] = height + clutter[i]
        ends_m = (0.0, float(room.ground_m[n]))
        profile_losses_db(model, room, n, 0.001 * distance_m[p], ends_m, latitude_deg[p], heights_m[p], losses_db[p])
