"""The radio plan as layers: candidates, sites, bins and the rows that prove the bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trassa.linear import ARROWS, Layer
from trassa.radio.bins import Bins, Points
from trassa.radio.candidates import Candidates
from trassa.radio.diversity import Diversity
from trassa.radio.field import Field
from trassa.radio.joint_service import Judged
from trassa.radio.layers import SCHEMAS
from trassa.radio.recount import Necessity
from trassa.radio.siting import Solution
from trassa.road.model import Road

__all__ = ["bins_layer", "candidates_layer", "site_names", "sites_layer", "siting_rows_layer"]

_SMALLEST_DUAL_MINOR = 1e-6


def candidates_layer(candidates: Candidates, slots: Sequence[int]) -> Layer:
    """Every place and option on offer, one row each; the row number is the candidate's number."""
    place, option = np.nonzero(candidates.offered)
    options = candidates.options
    chosen = np.isin(place * len(options) + option, np.asarray(slots, dtype=np.int64))
    return Layer.from_columns(
        SCHEMAS["candidates"],
        candidate=np.arange(len(place)),
        place=place,
        name=candidates.name[place],
        kind=candidates.kind[place],
        measure_m=candidates.measure_m[place],
        carriageway=candidates.carriageway[place],
        offset_m=candidates.offset_m[place],
        latitude_deg=candidates.latitude_deg[place],
        longitude_deg=candidates.longitude_deg[place],
        ground_m=candidates.ground_m[place],
        height_m=candidates.height_m[place, option],
        sectors=np.array(options.names(), dtype=object)[option],
        ahead_deg=candidates.ahead_deg[place],
        back_deg=candidates.back_deg[place],
        tilt_deg=options.tilt_deg[option],
        back_off_db=options.back_off_db[option],
        height_assumed=candidates.height_assumed[place],
        power_m=candidates.power_m[place],
        fibre_drop_m=candidates.fibre_drop_m[place],
        cost_minor=candidates.cost_minor[place, option],
        chosen=chosen,
    )


def site_names(count: int) -> list[str]:
    """S-01, S-02, … in order of measure."""
    width = max(2, len(str(count)))
    return [f"S-{number:0{width}d}" for number in range(1, count + 1)]


def sites_layer(
    road: Road, candidates: Layer, points: Points, bins: Bins, needed: Sequence[Necessity | None], servers: int
) -> Layer:
    """The chosen candidates as sites, with the claim and place that each is needed for."""
    chosen = candidates.where(chosen=True)
    shared = {name: chosen[name] for name in SCHEMAS_SHARED}
    return Layer.from_columns(
        SCHEMAS["sites"],
        site=site_names(len(chosen)),
        km=road.calibration.km(chosen["measure_m"]),
        needed_for=[_needed_for(road, points, bins, one, servers) for one in needed],
        **shared,
    )


SCHEMAS_SHARED = tuple(
    column.name for column in SCHEMAS["sites"].columns if column.name not in ("site", "km", "needed_for")
)


def _needed_for(road: Road, points: Points, bins: Bins, one: Necessity | None, servers: int) -> str:
    if one is None:
        return ""
    start, end = int(bins.start[one.bin]), int(bins.end[one.bin])
    arrow = ARROWS[points.carriageways[int(points.carriageway[start])]]
    place = f"{road.span_text(float(points.measure_m[start]), float(points.measure_m[end]))} {arrow}"
    claim = "radio.served.any-site-down" if servers == 2 and one.servers_left > 0 else "radio.served"
    if end - start > 1:
        claim = "radio.handover.overlap"
    return f"{claim} at {place}: {one.servers_left} other site{'' if one.servers_left == 1 else 's'} would serve"


def bins_layer(points: Points, bins: Bins, field: Field, spans: Field, judged: Judged, together: Diversity) -> Layer:
    """Best and second server of every bin and of the window that begins with it; the judgements of links together.

    ``spans`` is the field on bins and windows, the bins first.
    """
    overlap_db, second_overlap_db = np.full(len(bins), np.nan), np.full(len(bins), np.nan)
    at = np.searchsorted(bins.start, spans.starts[len(bins) :])
    overlap_db[at], second_overlap_db[at] = spans.margin_db[len(bins) :], spans.second_margin_db[len(bins) :]
    names = np.array([*site_names(len(field.slots)), ""], dtype=object)
    carriageways = np.array(points.carriageways, dtype=object)
    return Layer.from_columns(
        SCHEMAS["bins"],
        start_m=points.measure_m[bins.start],
        end_m=points.measure_m[bins.end],
        carriageway=carriageways[points.carriageway[bins.start]],
        exempt=bins.exempt,
        server=names[field.best],
        rsrp_dbm=field.rsrp_dbm,
        margin_db=field.margin_db,
        second=names[field.second],
        second_margin_db=field.second_margin_db,
        overlap_margin_db=overlap_db,
        second_overlap_margin_db=second_overlap_db,
        diversity=together.probability,
        down_diversity=together.site_down_probability,
        sinr_db=judged.sinr_db,
        reliability=judged.up.probability_low,
        down_reliability=judged.down.probability_low,
        sinr_margin_db=judged.up.margin_low_db,
        down_sinr_margin_db=judged.down.margin_low_db,
        worst_down=names[judged.worst_site],
    )


def siting_rows_layer(points: Points, solution: Solution) -> Layer:
    """The rows that carry a dual value; start and end are one measure where the row speaks of a point."""
    kept: npt.NDArray[np.int64] = np.flatnonzero(solution.duals > _SMALLEST_DUAL_MINOR)
    start, end = solution.rows.start[kept], solution.rows.end[kept]
    carriageways = np.array(points.carriageways, dtype=object)
    return Layer.from_columns(
        SCHEMAS["siting_rows"],
        start_m=points.measure_m[start],
        end_m=points.measure_m[end],
        carriageway=carriageways[points.carriageway[start]],
        need=solution.rows.need[kept],
        dual=solution.duals[kept],
    )
