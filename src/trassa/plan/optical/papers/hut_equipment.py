"""What stands in each hut: power, backbone equipment, transceivers, attenuators, terminated fibres, servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from trassa.linear import Layer
from trassa.plan.optical.papers.table import Field, Table
from trassa.road.model import Road

__all__ = ["hut_equipment"]

_Item = tuple[str, str, str]
"""Kind, item, detail."""


def hut_equipment(road: Road, layers: Mapping[str, Layer]) -> Table:
    """A row for each kind of equipment in each hut, with its number.

    Transceivers and attenuators of the other ends stand with the connections; both ends are in the bill.
    """
    fields = (
        Field("Hut", "text"),
        Field("Place", "text"),
        Field("Kind", "text"),
        Field("Item", "text"),
        Field("Detail", "text"),
        Field("Number", "count"),
    )
    rows = [
        (hut["hut"], road.calibration.text(float(hut["measure_m"])), *item, count)
        for hut in layers["huts"].rows()
        for item, count in _equipment(hut, layers)
    ]
    what = "What stands in each hut; the far ends of its links stand with the connections"
    return Table("Hut equipment", what, fields, rows)


def _equipment(hut: Mapping[str, Any], layers: Mapping[str, Layer]) -> Iterator[tuple[_Item, int]]:
    name, power = str(hut["hut"]), {"place": "is there", "new": "new connection"}.get(str(hut["power"]), "as built")
    yield ("power", power, str(hut["name"])), 1
    for row in _of(layers, "backbone_equipment", hut=name):
        yield ("backbone", str(row["item"]), str(row["cable"])), int(row["quantity"])
    yield from sorted(_optics(name, layers).items())
    yield from sorted(_terminated(name, float(hut["measure_m"]), layers).items())
    for _ in _of(layers, "edge_places", hut=name):
        yield ("server", "edge computing", ""), 1


def _of(layers: Mapping[str, Layer], name: str, **equal: str) -> Iterator[Mapping[str, Any]]:
    return iter(layers[name].where(**equal).rows() if name in layers else ())


def _optics(hut: str, layers: Mapping[str, Layer]) -> Counter[_Item]:
    """Transceivers, OLT ports and fixed attenuators of links, rings and trees that end in the hut."""
    ends = [(row, "links to connections") for row in _of(layers, "links", hut=hut)]
    ends += [(row, "access rings") for end in ("first", "second") for row in _of(layers, "ring_segments", **{end: hut})]
    found: Counter[_Item] = Counter()
    for row, what in ends:
        found["transceiver", str(row["optics"]), what] += 1
        if (loss_db := float(row["attenuator_db"])) > 0.0:
            found["attenuator", f"{loss_db:g} dB", what] += 1
    feeders = {str(row["tree"]): row for row in _of(layers, "tree_links", hut=hut)}
    for row in feeders.values():
        found["OLT port", str(row["optics"]), "trees"] += 1
        if (loss_db := float(row["attenuator_db"])) > 0.0:
            found["attenuator", f"{loss_db:g} dB", "trees"] += 1
    return found


def _terminated(hut: str, at_m: float, layers: Mapping[str, Layer]) -> Counter[_Item]:
    """Fibres that end on the hut's frame, by cable and side."""
    fibres = {str(row["cable"]): int(row["fibres"]) for row in layers["cables"].rows()}
    found: Counter[_Item] = Counter()
    for row in layers["spans"].rows():
        for side, end in (("behind", "start_m"), ("before", "end_m")):
            if float(row[end]) == at_m and hut in str(row["span"]).split("–"):
                cable = str(row["cable"])
                found["fibre ends", f"{cable} from {side}", "spliced to pigtails on the frame"] += fibres[cable]
    return found
