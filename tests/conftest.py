"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data: real roads, terrain and tables that are not part of the project."""
    place = Path(os.environ.get("TRASSA_SHARED", PROJECT.parent / "shared" / "data"))
    if not (place / "roads").is_dir():
        reason = f"shared data not found at {place}; set TRASSA_SHARED"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return place
