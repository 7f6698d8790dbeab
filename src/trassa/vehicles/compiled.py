"""Numba's compiler as the vehicles' columns use it: machine code cached on disk that leaves other threads running.

Numba notices a change in a kernel's own file only: a kernel here calls nothing that stands in another file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile for loops over columns: IEEE 754 in the order written, division by zero gives infinity."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast(_Function, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # nowhere to write: no cache beside the file, nor in the user's home
        return cast(_Function, numba.njit(**options)(function))
