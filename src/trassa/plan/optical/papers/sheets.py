"""Which layers have a sheet in line.xlsx, in which order, and what stands over their columns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NOTHING", "OMITTED", "SHEETS", "SheetOf", "title_of"]


@dataclass(frozen=True)
class SheetOf:
    """The sheet of a layer. ``columns`` are ``column=Head``; ``@measure_m=Place`` writes a measure as a label;
    ``sums`` are the columns that are added up under the rows."""

    name: str
    layer: str
    what: str
    columns: str
    sums: str = ""


SHEETS = tuple(SheetOf(*row) for row in (
    ("Huts", "huts", "Powered technical buildings",
     "hut=Hut name=At @measure_m=Place measure_m=Measure carriageway=Side role=Role power=Power "
     "latitude_deg=Latitude longitude_deg=Longitude"),
    ("Chambers", "chambers", "Chambers in order of measure",
     "chamber=Chamber cable=Cable @measure_m=Place measure_m=Measure carriageway=Side purpose=Purpose"),
    ("Ducts", "ducts", "Every duct of every trench, by the way it takes",
     "trench=Trench duct=Duct @start_m=From @end_m=To carriageway=Side way=Way microducts=Microducts cable=Cables "
     "route_m=Route", "route_m"),
    ("Hut entries", "hut_entries", "Trenches from the line into the huts, with its ducts",
     "hut=Hut @measure_m=Place carriageway=Side_of_the_hut trench=Trench ducts=Ducts route_m=Route",
     "route_m"),
    ("Crossings", "crossings", "Ways drilled under the road",
     "@measure_m=Place purpose=Purpose name=Leads_to trench=Trench carriageway=Begins to_carriageway=Ends "
     "route_m=Route", "route_m"),
    ("As built", "as_built", "Plant that is built, as listed",
     "section=Section item=Item name=Name cable=Cable @measure_m=Place measure_m=Measure loop_m=Loop "
     "splice_loss_db=Mean_splice_loss attenuation_1310_db_per_km=1310_nm_behind "
     "attenuation_1550_db_per_km=1550_nm_behind"),
    ("Closures", "closures", "Closures with the three lengths from the start of their cable",
     "closure=Closure cable=Cable @measure_m=Place measure_m=Measure kind=Kind chamber=Chamber route_m=Route "
     "sheath_m=Sheath fibre_m=Fibre"),
    ("Splice schedule", "splices", "What is spliced in each closure, in runs of fibres; a fibre without a row passes "
     "it uncut", ""),
    ("Fibre assignment", "fibres", "Every fibre of every span, and what it serves",
     "span=Span cable=Cable fibre=Fibre tube=Tube tube_colour=Tube_colour fibre_colour=Fibre_colour use=Use "
     "service=Service @start_m=From @end_m=To"),
    ("Patch schedule", "patches", "Every lit fibre in every hut",
     "hut=Hut cable=Cable side=Side_of_hut fibre=Fibre tube=Tube tube_colour=Tube_colour "
     "fibre_colour=Fibre_colour use=Use to=To equipment=Equipment"),
    ("Spans", "spans", "Budget of the backbone from hut to hut, at the end of life",
     "span=Span cable=Cable @start_m=From @end_m=To route_m=Route fibre_m=Fibre loss_db=Loss limit_db=Limit "
     "margin_db=Margin", "route_m fibre_m"),
    ("Links", "links", "Budget of every link from a connection with fibres of its own to its huts, at the end of life",
     "link=Link site=Connection hut=Hut cable=Cable @measure_m=Tap drop_m=Drop route_m=Route fibre_m=Fibre "
     "optics=Transceiver loss_db=Loss attenuator_db=Attenuator budget_db=Budget margin_db=Margin latency_us=Delay"),
    ("Ring segments", "ring_segments", "Budget of every optical link of the access rings, at the end of life",
     "ring=Ring first=From second=To cable=Cable @start_m=Tap_at_start @end_m=Tap_at_end route_m=Route "
     "fibre_m=Fibre optics=Transceiver loss_db=Loss attenuator_db=Attenuator budget_db=Budget margin_db=Margin"),
    ("Splitters", "splitters", "Splitters of passive trees, each fed from the huts on both sides",
     "tree=Tree closure=Closure cable=Cable @measure_m=Place split=Outputs connections=In_use fibres=Fibres "
     "hut_before=Hut_before hut_behind=Hut_behind optics=Class rate_mbps=Rate limit_mbps=Limit"),
    ("Tree branches", "tree_links", "Budget of every way from a place through its splitter to a hut: at the end of "
     "life, and on the first day",
     "tree=Tree connection=Connection hut=Hut cable=Cable @measure_m=Tap @splitter_m=Splitter port=Port "
     "cable_fibre=Fibre_of_the_cable route_m=Route fibre_m=Fibre optics=Class first_day_loss_db=Least_loss "
     "typical_loss_db=Typical_loss loss_db=Loss attenuator_db=Attenuator budget_db=Budget margin_db=Margin "
     "latency_us=Delay"),
    ("Amplifiers", "amplifiers", "Amplifiers of the wavelengths as set",
     "hut=Hut @measure_m=Place cable=Cable sense=Sense role=Role type=Type gain_db=Gain "
     "noise_figure_db=Noise_figure launch_dbm=Launch"),
    ("Wavelengths", "wavelengths", "Every path of light, before and after a cut, its weakest channel in 0.1 nm",
     "path=Path @start_m=From @end_m=To cables=Cables detour=Detour channels=Channels "
     "worst_channel_thz=Weakest_channel gsnr_db=GSNR osnr_db=OSNR closed_osnr_db=OSNR_by_hand needed_db=Needed "
     "margin_db=Margin dispersion_ps_per_nm=Dispersion pmd_ps=PMD latency_us=Delay mode=Fastest_mode "
     "rate_gbps=Rate,_Gbit/s"),
    ("Aggregation", "aggregation", "What enters the backbone in each hut, and the wavelengths that carry it",
     "hut=Hut @measure_m=Place connections=Connections rate_mbps=Rate worst_rate_mbps=Greatest_rate_with_one_failure "
     "wavelengths=Wavelengths", "connections"),
    ("Backbone load", "backbone_load", "Wavelengths that share each backbone span",
     "span=Span @start_m=From @end_m=To wavelengths=Wavelengths channels=Channels"),
    ("Services", "services", "How each service class fares when the line is cut anywhere",
     "service=Service connections=Connections rate_mbps=Rate latency_us=Delay worst_latency_us=Delay_after_worst_cut "
     "worst_margin_db=Least_margin @worst_start_m=Worst_cut_at pairs_stranded=Stranded_pairs"),
    ("Ways of services", "service_ways", "How each service class fares with nothing lost, after the worst cut and "
     "with each hut lost",
     "service=Service lost=Lost connections=Connections detoured=Detoured stranded=Stranded "
     "worst_latency_us=Worst_delay worst_margin_db=Least_margin"),
    ("Connections", "connections", "What is connected, and where it taps the cable",
     "connection=Connection service=Service @measure_m=Place carriageway=Side offset_m=Off_the_road @tap_m=Tap "
     "drop_m=Drop access=Access"),
    ("Drop cables", "drop_cables", "Cables of the drops, from a closure of the main cable to the equipment",
     "connection=Connection @measure_m=Place carriageway=Side cable=Cable closure=Closure fibres=Fibres in_use=In_use "
     "route_m=Route sheath_m=Sheath fibre_m=Fibre crosses=Under_the_road", "fibres in_use route_m sheath_m fibre_m"),
    ("Drop fibres", "drop_fibres", "Every fibre of every drop, and how it ends at the equipment",
     "connection=Connection fibre=Fibre tube=Tube tube_colour=Tube_colour fibre_colour=Fibre_colour side=Side "
     "cable_fibre=Fibre_of_the_cable to=To equipment=Equipment end=End"),
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
))  # fmt: skip
"""The sheets of layers in order. Columns of a layer that are not named follow those that are."""

NOTHING = ("cable_fibre", "worst_rate_gbps")
"""Columns in which 0 says that there is none: their cells stay empty."""

OMITTED = {"huts": ("km", "cost_minor")}
"""Columns that nobody builds by: prices stand in the bill."""

_PLACES = {"measure_m": "Place", "start_m": "From", "end_m": "To"}
_SUFFIXES = ("_per_nm", "_minor", "_mbps", "_gbps", "_deg", "_thz", "_dbm", "_db", "_us", "_ps", "_km", "_mm", "_m")


def title_of(column: str) -> str:
    """What stands over a column that no sheet names: ``worst_gsnr_db`` becomes ``Worst GSNR``."""
    if column.startswith("@"):
        return _PLACES.get(column[1:]) or f"{title_of(column[1:])} at"
    if column == "carriageway":
        return "Side"
    bare = next((column.removesuffix(suffix) for suffix in _SUFFIXES if column.endswith(suffix)), column)
    words = bare.replace("_", " ").replace("gsnr", "GSNR").replace("osnr", "OSNR")
    return words[:1].upper() + words[1:] + (", Gbit/s" if column.endswith("_gbps") else "")
