"""Ready services: what ``radio.profile`` stands for. Values and sources are in ``profiles.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["profile_names", "profile_source", "profile_values"]


@cache
def _profiles() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("profiles.toml").read_text("utf-8"))


def profile_names() -> tuple[str, ...]:
    """Names of all ready services."""
    return tuple(sorted(_profiles()))


def profile_source(name: str) -> str:
    """Where the figures of a profile come from, a sentence."""
    return str(_profiles()[name]["source"])


def profile_values(name: str, band: str) -> dict[str, Any]:
    """The settings that a profile gives on one of its bands; without a band, on its first.

    ValueError where the profile has no such band.
    """
    profile = _profiles()[name]
    bands: dict[str, dict[str, Any]] = profile["bands"]
    chosen = band or next(iter(bands))
    if chosen not in bands:
        raise ValueError(f"profile {name!r} has no band {chosen!r}: {', '.join(bands)}")
    shared = {key: value for key, value in profile.items() if key not in ("source", "bands")}
    return {**shared, **bands[chosen], "band": chosen}
