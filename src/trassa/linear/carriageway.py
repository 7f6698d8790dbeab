"""The two carriageways of a road, named by the sense in which measure runs on them."""

from __future__ import annotations

from typing import Literal

__all__ = ["ARROWS", "CARRIAGEWAYS", "Carriageway", "opposite"]

Carriageway = Literal["increasing", "decreasing"]

CARRIAGEWAYS: tuple[Carriageway, Carriageway] = ("increasing", "decreasing")

ARROWS: dict[Carriageway, str] = {"increasing": "→", "decreasing": "←"}


def opposite(carriageway: Carriageway) -> Carriageway:
    """The other carriageway."""
    return "decreasing" if carriageway == "increasing" else "increasing"
