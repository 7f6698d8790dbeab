"""Numba's compiler as this room uses it: machine code that is cached on disk and leaves other threads running.

Numba notices a change in a kernel's own file, not in the kernels of other files that were compiled into it. So the
cache lies in a folder named after all the files that hold kernels: change one, and all are compiled anew.

Kernels are inlined into those that call them. One that is not stands in several copies, each with its own liberties in
fast arithmetic; which of them runs would depend on whether it was compiled just now or lay in the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["compiled", "fast_kernel", "larger", "reference_kernel", "sampling_kernel"]

_settings: Any = numba.config
_ir: Any = cast(Any, cgutils).ir
_Function = TypeVar("_Function", bound=Callable[..., object])


def _kernel_digest() -> str:
    sources = [source.read_bytes() for source in sorted(Path(__file__).parent.glob("*.py"))]
    kernels = [source for source in sources if b"from trassa.radio.compiled import" in source]
    return hashlib.sha256(b"".join(kernels)).hexdigest()[:16]


_CACHE = Path(_settings.CACHE_DIR or Path(__file__).parent / "__pycache__") / f"kernels-{_kernel_digest()}"


def _jit(function: _Function, fastmath: bool | set[str]) -> _Function:
    before = _settings.CACHE_DIR
    _settings.CACHE_DIR = str(_CACHE)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath, "forceinline": True}
    try:
        return cast(_Function, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # nowhere to write: no cache here, nor in the user's home
        return cast(_Function, numba.njit(**options)(function))
    finally:
        _settings.CACHE_DIR = before


def compiled(function: _Function) -> _Function:
    """Compile for loops over integers and for float arithmetic that must follow IEEE 754 in the order written."""
    return _jit(function, fastmath=False)


def sampling_kernel(function: _Function) -> _Function:
    """Compile so that loops vectorise while NaN keeps its meaning: unknown ground must be found, not assumed away."""
    return _jit(function, fastmath={"reassoc", "contract", "arcp", "nsz"})


def fast_kernel(function: _Function) -> _Function:
    """Compile with every freedom. Only for arguments known to be finite."""
    return _jit(function, fastmath=True)


reference_kernel = compiled
"""What everything faster is measured against: nothing reordered, nothing contracted."""


def _larger(context: Any, first: Any, second: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        single = arguments[0].type
        maximum = builder.module.declare_intrinsic("llvm.maxnum", [single], _ir.FunctionType(single, [single, single]))
        return builder.call(maximum, arguments, fastmath=("nnan", "nsz"))

    return types.float32(types.float32, types.float32), generate


larger = cast(Callable[[np.float32, np.float32], np.float32], intrinsic(_larger))
"""The larger of two float32 in a kernel. Unlike ``max`` it lets a loop look at many at a time: 5 × faster."""
