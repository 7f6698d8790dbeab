"""Which sheets line.xlsx has, and what stands in their columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trassa.linear import ARROWS, Column, Layer
from trassa.optical.colours import colour
from trassa.optical.settings import OpticalSettings
from trassa.plan.line_papers.elements import elements_of
from trassa.road.model import Road

__all__ = ["Field", "Table", "tables_of"]

Value = int | float | str | bool


@dataclass(frozen=True)
class Field:
    """A column of a sheet. ``kind`` is its unit, or ``text``, ``count``, ``ratio``, ``arrow`` or ``colour``."""

    head: str
    kind: str
    margin: bool = False


@dataclass(frozen=True)
class Table:
    """One sheet: what it is, its columns and rows; rows with a new value of the first column begin a new block."""

    name: str
    what: str
    fields: tuple[Field, ...]
    rows: Sequence[Sequence[Value]]


_SHEETS: tuple[tuple[str, str, str, str], ...] = (
    ("Chambers", "chambers", "Chambers in order of measure",
     "chamber=Chamber cable=Cable @measure_m=Place measure_m=Measure carriageway=Side purpose=Purpose"),
    ("Closures", "closures", "Closures with the three lengths from the start of their cable",
     "closure=Closure cable=Cable @measure_m=Place measure_m=Measure kind=Kind chamber=Chamber route_m=Route "
     "sheath_m=Sheath fibre_m=Fibre"),
    ("Reels", "reels", "Reels of cable between joints",
     "reel=Reel cable=Cable @start_m=From @end_m=To start_m=Start end_m=End sheath_m=Sheath_used"),
    ("Huts", "huts", "Powered technical buildings",
     "hut=Hut name=At @measure_m=Place measure_m=Measure carriageway=Side role=Role power=Power "
     "latitude_deg=Latitude longitude_deg=Longitude"),
    ("Fibre assignment", "fibres", "Every fibre of every span, and what it serves",
     "span=Span cable=Cable fibre=Fibre tube=Tube tube_colour=Tube_colour fibre_colour=Fibre_colour use=Use "
     "service=Service @start_m=From @end_m=To"),
    ("Patch schedule", "patches", "Every lit fibre in every hut",
     "hut=Hut cable=Cable side=Side_of_hut fibre=Fibre tube=Tube tube_colour=Tube_colour "
     "fibre_colour=Fibre_colour use=Use to=To equipment=Equipment"),
    ("Spans", "spans", "Budget of the backbone from hut to hut, at the end of life",
     "span=Span cable=Cable @start_m=From @end_m=To route_m=Route fibre_m=Fibre loss_db=Loss limit_db=Limit "
     "margin_db=Margin"),
    ("Links", "links", "Budget of every link from a connection with fibres of its own to its huts, at the end of life",
     "link=Link site=Connection hut=Hut cable=Cable @measure_m=Tap drop_m=Drop route_m=Route fibre_m=Fibre "
     "optics=Transceiver loss_db=Loss attenuator_db=Attenuator budget_db=Budget margin_db=Margin latency_us=Delay"),
    ("Ring segments", "ring_segments", "Budget of every optical link of the access rings, at the end of life",
     "ring=Ring first=From second=To cable=Cable @start_m=Tap_at_start @end_m=Tap_at_end route_m=Route "
     "fibre_m=Fibre optics=Transceiver loss_db=Loss attenuator_db=Attenuator budget_db=Budget margin_db=Margin"),
    ("Amplifiers", "amplifiers", "Amplifiers of the wavelengths as set",
     "hut=Hut @measure_m=Place cable=Cable sense=Sense role=Role type=Type gain_db=Gain "
     "noise_figure_db=Noise_figure launch_dbm=Launch"),
    ("Wavelengths", "wavelengths", "Every path of light, before and after a cut, its weakest channel in 0.1 nm",
     "path=Path @start_m=From @end_m=To cables=Cables detour=Detour channels=Channels "
     "worst_channel_thz=Weakest_channel gsnr_db=GSNR osnr_db=OSNR needed_db=Needed margin_db=Margin "
     "dispersion_ps_per_nm=Dispersion pmd_ps=PMD latency_us=Delay mode=Fastest_mode rate_gbps=Rate,_Gbit/s"),
    ("Services", "services", "How each service class fares when the line is cut anywhere",
     "service=Service connections=Connections rate_mbps=Rate latency_us=Delay worst_latency_us=Delay_after_worst_cut "
     "worst_margin_db=Least_margin @worst_start_m=Worst_cut_at pairs_stranded=Stranded_pairs"),
    ("Connections", "connections", "What is connected, and where it taps the cable",
     "connection=Connection service=Service @measure_m=Place carriageway=Side offset_m=Off_the_road @tap_m=Tap "
     "drop_m=Drop access=Access"),
    ("Availability", "availability", "How much of the time each connection reaches a point of presence",
     "site=Connection service=Service @measure_m=Tap availability=Availability minutes_per_year=Down_in_a_year "
     "dominated_by=Dominated_by"),
    ("Cuts", "cuts", "Every interval in which a cut does the same",
     "trench=Trench @start_m=From @end_m=To start_m=Start end_m=End cables=Cables detoured=Detoured "
     "stranded=Stranded worst_latency_us=Worst_delay worst_margin_db=Least_margin"),
    ("Huts lost", "hut_losses", "Each hut lost once",
     "hut=Hut @measure_m=Place detoured=Detoured stranded=Stranded worst_latency_us=Worst_delay "
     "worst_margin_db=Least_margin"),
    ("Fronthaul", "fronthaul_ways", "From the heads of shared cells to the cell's baseband",
     "cell=Cell site=Head baseband=Baseband @measure_m=Tap_of_the_baseband fibre_m=Fibre limit_m=Limit "
     "margin_m=Margin latency_us=Delay"),
    ("Edge", "edge_places", "Huts in which servers stand",
     "hut=Hut @measure_m=Place round_trip_us=Worst_round_trip"),
)  # fmt: skip
_UNITS = {"us": "µs", "deg": "°", "min": "min"}


def tables_of(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> list[Table]:
    """The sheets in order; those whose layer is missing or empty are left out."""
    found = [_straight_line(road, layers, rules)] if "cables" in layers else []
    for name, layer, what, fields in _SHEETS:
        if layer in layers and len(layers[layer]):
            found.append(_table(name, what, layers[layer], fields, road))
        if name == "Fibre assignment" and "splices" in layers and len(layers["splices"]):
            found.append(_splices(road, layers["splices"], rules))
    return found


def _table(name: str, what: str, layer: Layer, fields: str, road: Road) -> Table:
    pairs = [pair.split("=", 1) for pair in fields.split()]
    columns = [_column(layer, source, road) for source, _ in pairs]
    heads = tuple(_field(layer.schema.column(s.removeprefix("@")), head, s[0] == "@") for s, head in pairs)
    return Table(name, what, heads, list(zip(*columns, strict=True)))


def _field(column: Column, words: str, is_place: bool) -> Field:
    head = words.replace("_", " ")
    if is_place:
        return Field(f"{head}, km", "text")
    if column.name.endswith("_colour"):
        return Field(head, "colour")
    if column.name == "carriageway":
        return Field(head, "arrow")
    if column.type in ("text", "bool"):
        return Field(head, "text")
    if column.unit in ("", "1"):
        return Field(head, "count" if column.type == "int" else "ratio")
    return Field(f"{head}, {_UNITS.get(column.unit, column.unit)}", column.unit, "margin" in column.name)


def _column(layer: Layer, source: str, road: Road) -> Iterable[Value]:
    name = source.removeprefix("@")
    values: list[Value] = layer[name].tolist()
    if source != name:
        return [road.calibration.text(float(m)) if math.isfinite(float(m)) else "" for m in values]
    if name == "carriageway":
        return [ARROWS[side] for side in layer[name]]
    if layer.schema.column(name).type == "bool":
        return ["yes" if value else "no" for value in values]
    return [value.replace("_", " ") if isinstance(value, str) and name == "role" else value for value in values]


def _straight_line(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Table:
    fields = (
        Field("Cable", "text"), Field("Place, km", "text"), Field("Measure, m", "m"), Field("Side", "arrow"),
        Field("Element", "text"), Field("Name", "text"), Field("Detail", "text"),
        Field("Route since the one before, m", "m"), Field("Route, m", "m"), Field("Sheath, m", "m"),
        Field("Fibre, m", "m"), Field("Reel", "text"),
    )  # fmt: skip
    rows = [
        (e.cable, road.calibration.text(e.measure_m), e.measure_m, ARROWS[e.carriageway], e.kind, e.name, e.detail,
         e.since_m, e.route_m, e.sheath_m, e.fibre_m, e.reel)
        for e in elements_of(road, layers, rules)
    ]  # fmt: skip
    what = "Everything on each cable in order; route, sheath and fibre count from the start of the cable"
    return Table("Straight-line diagram", what, fields, rows)


def _splices(road: Road, splices: Layer, rules: OpticalSettings) -> Table:
    fields = (
        Field("Closure", "text"), Field("Place, km", "text"), Field("Side", "text"),
        Field("First fibre", "count"), Field("Its tube", "colour"), Field("Its fibre", "colour"),
        Field("Last fibre", "count"), Field("Its tube", "colour"), Field("Its fibre", "colour"),
        Field("To", "text"), Field("Its first fibre", "count"), Field("Its last fibre", "count"),
        Field("Splices", "count"),
    )  # fmt: skip
    rows = [
        (
            *(row["closure"], road.calibration.text(float(row["measure_m"])), row["side"]),
            *(row["first"], *_colours(int(row["first"]), rules), row["last"], *_colours(int(row["last"]), rules)),
            *(row["to"], row["to_first"], row["to_last"], row["splices"]),
        )
        for row in splices.rows()
    ]
    what = "What is spliced in each closure, in runs of fibres; a fibre without a row passes it uncut"
    return Table("Splice schedule", what, fields, rows)


def _colours(fibre: int, rules: OpticalSettings) -> tuple[str, str]:
    tube, place = divmod(fibre - 1, rules.tube_fibres)
    return colour(tube + 1, rules.colour_code), colour(place + 1, rules.colour_code)
