"""A straight motorway of four kilometres with mains beside it as a test draws them, as a map and as a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from osm_map import OsmMap, straight
from trassa.plan.project import create_project, open_project
from trassa.plan.run import run_plan
from trassa.plan.settings import parse_settings
from trassa.provenance import no_progress

__all__ = ["LENGTH_M", "mains_map", "planned_street"]

LENGTH_M = 4000.0
_STREET = """
[road]
ref = "A 1"
osm = ["street.osm"]
[radio]
profile = "cam-basic"
new_mast_heights_m = [35.0]
new_mast_spacing_m = 500.0
any_site_down = false
"""

Way = tuple[Sequence[tuple[float, float]], dict[str, str]]


def mains_map(*things: Way) -> OsmMap:
    """The motorway from east to west and back, 20 m apart, and ways given by points in metres and their tags.

    A way of one point is a node.
    """
    drawn = OsmMap()
    drawn.way(drawn.row(straight(0.0, LENGTH_M, 0.0)))
    drawn.way(drawn.row(straight(LENGTH_M, 0.0, 20.0)))
    for points, tags in things:
        if len(points) == 1:
            drawn.node(*points[0], tags)
            continue
        nodes = drawn.row(points if points[0] != points[-1] else points[:-1])
        closed = [*nodes, nodes[0]] if points[0] == points[-1] else nodes
        drawn.way(closed, **({"highway": "", "oneway": "", "ref": ""} | tags))
    return drawn


def planned_street(root: Path, *things: Way, radio: str = "") -> Path:
    """The motorway planned over a smooth earth, in a new folder ``root``."""
    root.parent.mkdir(parents=True, exist_ok=True)
    extract = mains_map(*things).write(root.parent / "street.osm")
    create_project(root, parse_settings(_STREET + radio), {extract.name: extract})
    run_plan(open_project(root), lambda stage: no_progress)
    return root
