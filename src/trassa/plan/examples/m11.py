"""The M-11 Neva, Moscow – St Petersburg, typed from published facts: a schematic axis, so only ever an estimate."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from trassa.plan.settings import ProjectSettings, Settings
from trassa.road.settings import RoadSettings
from trassa.toll.settings import TollSettings

__all__ = ["facts_file", "m11_settings"]


def facts_file() -> Path:
    """The table of facts by kilometre: toll plazas, sections, speed limits, lanes, service areas, with sources."""
    return Path(str(files(__package__).joinpath("m11.csv")))


def m11_settings() -> Settings:
    """Settings of the example: km 15 to km 684 by published kilometres."""
    return Settings(
        project=ProjectSettings(name="М-11 «Нева»"),
        road=RoadSettings(ref="М-11", schematic="m11.csv", start_km=15.0, end_km=684.0),
        toll=TollSettings(systems=["m11-15-58", "m11-58-684"]),
    )
