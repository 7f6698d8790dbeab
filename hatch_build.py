"""Build hook: a wheel or sdist carries the built web pages, so that an installed trassa needs no Node."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebPages(BuildHookInterface[Any]):
    """Builds the pages unless this is an editable install, or they are there already (as in an unpacked sdist)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the files are collected; the build fails where it leaves no page."""
        root = Path(self.root)
        index = root / "src" / "trassa" / "live" / "web" / "static" / "index.html"
        if version == "editable" or index.is_file():
            return
        spec = importlib.util.spec_from_file_location("trassa_web_build", root / "web" / "build.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(f"{root}: web/build.py is missing")
        pages = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(pages)
        pages.build()
        if not index.is_file():
            raise FileNotFoundError(f"{index}: the web pages were not built")
