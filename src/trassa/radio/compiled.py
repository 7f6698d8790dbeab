"""Numba's compiler as this room uses it: machine code that is cached on disk and leaves other threads running."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

__all__ = ["compiled", "fast_kernel", "reference_kernel", "sampling_kernel"]

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile for loops over integers and for float arithmetic that must follow IEEE 754 in the order written."""
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy")(function))


def sampling_kernel(function: _Function) -> _Function:
    """Compile so that loops vectorise while NaN keeps its meaning: unknown ground must be found, not assumed away."""
    free = {"reassoc", "contract", "arcp", "nsz"}
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy", fastmath=free)(function))


def fast_kernel(function: _Function) -> _Function:
    """Compile with every freedom. Only for arguments known to be finite."""
    return cast(_Function, njit(cache=True, nogil=True, error_model="numpy", fastmath=True)(function))


reference_kernel = compiled
"""What everything faster is measured against: nothing reordered, nothing contracted."""
