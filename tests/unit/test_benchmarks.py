"""The benchmark's stopwatch wraps functions of the product by name: each name must exist."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from pathlib import Path

import pytest

STOPWATCH = Path(__file__).resolve().parents[2] / "benchmarks" / "stopwatch.py"


def _places() -> list[str]:
    spec = importlib.util.spec_from_file_location("stopwatch", STOPWATCH)
    assert spec is not None
    assert spec.loader is not None
    stopwatch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stopwatch)
    return [place for steps in stopwatch.STEPS.values() for places in steps.values() for place in places]


@pytest.mark.parametrize("place", _places())
def test_timed_steps_exist(place: str) -> None:
    module, names = place.split(":")
    timed = functools.reduce(getattr, names.split("."), importlib.import_module(module))
    assert callable(timed), f"{place} is no function: name the step's function in {STOPWATCH.name}"
