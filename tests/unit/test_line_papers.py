"""line.xlsx read back by another library: every row of the layers, colours to be seen, sums that fit the bill."""

from __future__ import annotations

import io
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import openpyxl
import pytest

from drawn_road import drawn_road
from trassa.linear import Layer
from trassa.optical.colours import ColourCode, colour
from trassa.optical.plan import OpticalPlan, lines_of, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.bom import BomLine, bom_bytes
from trassa.plan.optical.papers import LinePapers, line_papers_bytes
from trassa.plan.optical.papers.laid import laid_cables
from trassa.plan.optical.papers.paint import paint_of
from trassa.plan.optical.papers.tables import tables_of
from trassa.pricing import Price

ROAD = drawn_road(
    90_000.0,
    places=[(30_000.0, "Motel & Käse", True)],
    bridges=[(11_000.0, 11_400.0)],
    tunnels=[(51_000.0, 52_000.0)],
    holes=[(70_000.0, 71_500.0)],
    height_m=lambda m: 100.0 + 60.0 * np.sin(m / 3000.0),
)
WAYS: list[dict[str, object]] = [
    {},
    {"cables": 2},
    {"cables": 2, "second_cable": "same_trench", "fibres": 216, "colour_code": "din-vde-0888"},
    {"side": "decreasing", "tube_fibres": 24},
]


@dataclass(frozen=True)
class Papers:
    """A plan, its settings, the file and the file as openpyxl reads it."""

    plan: OpticalPlan
    rules: OpticalSettings
    content: bytes
    book: Any

    def rows(self, sheet: str) -> list[dict[str, Any]]:
        """The rows of a sheet by their heads, units and sums left out; a head that stands twice keeps its first."""
        heads, *rows = self.book[sheet].iter_rows(values_only=True)
        names = [head.rpartition(", ")[0] or head for head in heads]
        rows = rows[: -1 if sheet in TOTALS else None]
        return [dict(reversed(list(zip(names, row, strict=True)))) for row in rows]


def _bill(plan: OpticalPlan) -> list[BomLine]:
    """The line's part of the bill, and a mast that is none of its business."""
    mast = Price(amount_minor=700, low_minor=600, high_minor=900, unit="piece", source="x")
    mine = [BomLine(q.item, "optical", q.quantity, q.unit, q.price) for q in plan.quantities]
    return [BomLine("mast", "radio", 3.0, "piece", mast), *mine]


KINDS = ("radio site", "camera", "gantry")
CONNECTIONS = [
    *(
        Connection(f"X-{n:02d}", float(m), "decreasing" if n % 2 else "increasing", 12.0, KINDS[n % 3])
        for n, m in enumerate(np.sort(np.random.default_rng(5).uniform(0.0, ROAD.length_m, 40)))
    ),
    Connection("=1+1", 15_000.0, "increasing", 12.0, "camera"),
]


def _papers(**changes: object) -> Papers:
    rules = OpticalSettings(check_transmission=False, ring_members=6, span_limit_m=60_000.0, **changes)
    plan = plan_optical(ROAD, CONNECTIONS, rules)
    content = line_papers_bytes(LinePapers(ROAD, plan.layers, rules, "A & B", "estimate", _bill(plan), "EUR"))
    return Papers(plan, rules, content, openpyxl.load_workbook(io.BytesIO(content)))


@pytest.fixture(scope="module", params=WAYS, ids=["one", "two", "same", "other"])
def papers(request: pytest.FixtureRequest) -> Papers:
    return _papers(**request.param)


SHEETS = {
    "Chambers": ("chambers", "Chamber", "chamber"),
    "Closures": ("closures", "Closure", "closure"),
    "Reels": ("reels", "Reel", "reel"),
    "Huts": ("huts", "Hut", "hut"),
    "Ducts": ("ducts", "Way", "way"),
    "Hut entries": ("hut_entries", "Hut", "hut"),
    "Crossings": ("crossings", "Leads to", "name"),
    "Drop cables": ("drop_cables", "Closure", "closure"),
    "Drop fibres": ("drop_fibres", "To", "to"),
    "Backbone load": ("backbone_load", "Span", "span"),
    "Ways of services": ("service_ways", "Lost", "lost"),
    "Fibre assignment": ("fibres", "Use", "use"),
    "Splice schedule": ("splices", "To", "to"),
    "Patch schedule": ("patches", "To", "to"),
    "Spans": ("spans", "Span", "span"),
    "Links": ("links", "Link", "link"),
    "Ring segments": ("ring_segments", "To", "second"),
    "Amplifiers": ("amplifiers", "Type", "type"),
    "Services": ("services", "Service", "service"),
    "Connections": ("connections", "Connection", "connection"),
    "Availability": ("availability", "Connection", "site"),
    "Cuts": ("cuts", "Trench", "trench"),
    "Huts lost": ("hut_losses", "Hut", "hut"),
}


TOTALS = {
    "Ducts": ("Route, m",),
    "Hut entries": ("Route, m",),
    "Crossings": ("Route, m",),
    "Splice schedule": ("Splices",),
    "Spans": ("Route, m", "Fibre, m"),
    "Drop cables": ("Fibres", "In use", "Route, m", "Sheath, m", "Fibre, m"),
    "Aggregation": ("Connections",),
}


def test_totals_are_sums_of_what_stands_over_them(papers: Papers) -> None:
    for name in TOTALS.keys() & set(papers.book.sheetnames):
        heads, *rows, total = papers.book[name].iter_rows(values_only=True)
        assert total[0] == "Total"
        summed = {head: total[index] for index, head in enumerate(heads) if index and total[index] is not None}
        assert tuple(summed) == TOTALS[name]
        for head, value in summed.items():
            assert value == pytest.approx(sum(row[heads.index(head)] for row in rows))


def test_no_fibre_and_no_rate_are_empty_cells(papers: Papers) -> None:
    for sheet, head, layer, column in (
        ("Drop fibres", "Fibre of the cable", "drop_fibres", "cable_fibre"),
        ("Cuts", "Worst rate, Gbit/s", "cuts", "worst_rate_gbps"),
    ):
        heads, *rows = papers.book[sheet].iter_rows(values_only=True)
        shown = [row[heads.index(head)] for row in rows]
        assert shown == [int(value) or None for value in papers.plan.layers[layer][column]]


def test_every_row_of_every_layer_is_there(papers: Papers) -> None:
    assert set(SHEETS) <= set(papers.book.sheetnames)
    for sheet, (layer, head, column) in SHEETS.items():
        known = papers.plan.layers[layer][column].tolist()
        shown = [row[head] or "" for row in papers.rows(sheet)[: len(known)]]
        assert shown == known, sheet
    told = {name for name, layer in papers.plan.layers.items() if len(layer)} - {"cables", "backbone_equipment"}
    assert told <= {layer for layer, *_ in SHEETS.values()} | {"aggregation", "wavelengths"}
    cover = {row[0]: row[1] for row in papers.book["Cover"].iter_rows(values_only=True)}
    for sheet in papers.book.sheetnames[1:]:
        sums = sheet in TOTALS or sheet in ("Bill", "Reels")
        if sheet != "Splice pages":
            assert cover[sheet] == papers.book[sheet].max_row - 1 - sums
    assert cover["Splice pages"] == len(papers.plan.layers["closures"])


def test_cells_hold_the_values_of_the_plan(papers: Papers) -> None:
    for sheet, layer, columns in (
        ("Closures", "closures", {"Route": "route_m", "Sheath": "sheath_m", "Fibre": "fibre_m"}),
        ("Spans", "spans", {"Route": "route_m", "Loss": "loss_db", "Margin": "margin_db"}),
        ("Links", "links", {"Drop": "drop_m", "Margin": "margin_db", "Delay": "latency_us"}),
        ("Cuts", "cuts", {"Start": "start_m", "Worst delay": "worst_latency_us"}),
    ):  # fmt: skip
        for row, known in zip(papers.rows(sheet), papers.plan.layers[layer].rows(), strict=True):
            for head, column in columns.items():
                if math.isnan(known[column]):
                    assert row[head] is None
                else:
                    assert row[head] == pytest.approx(known[column], rel=1e-12)


def test_the_straight_line_has_everything_in_order_with_three_lengths(papers: Papers) -> None:
    layers, rows = papers.plan.layers, papers.rows("Straight-line diagram")
    closures = {row["closure"]: row for row in layers["closures"].rows()}
    for cable in layers["cables"].rows():
        mine = [row for row in rows if row["Cable"] == cable["cable"]]
        inside = [h for h in layers["huts"].rows() if cable["start_m"] <= h["measure_m"] <= cable["end_m"]]
        kinds = Counter(row["Element"] for row in mine)
        assert kinds["chamber"] == sum(cable["cable"] in c.split(",") for c in layers["chambers"]["cable"])
        assert kinds["closure"] == len(layers["closures"].where(cable=cable["cable"]))
        assert kinds["hut"] == len(inside)
        for name in ("Measure", "Route", "Sheath", "Fibre"):
            values = [row[name] for row in mine]
            assert values == sorted(values)
        for row in mine:
            if row["Element"] == "closure":
                known = closures[row["Name"]]
                for head in ("Route", "Sheath", "Fibre"):
                    assert row[head] == pytest.approx(known[f"{head.lower()}_m"], abs=1e-6)
        for head in ("Route", "Sheath", "Fibre"):
            assert mine[0][head] == pytest.approx(0.0, abs=1e-9)
            assert mine[-1][head] == pytest.approx(cable[f"{head.lower()}_m"], abs=1e-6)
        assert sum(row["Route since the one before"] for row in mine) == pytest.approx(cable["route_m"], abs=1e-6)
    first = [c for c in layers["cables"].rows() if c["cable"].startswith("C-1")]
    side = first[0]["carriageway"]
    across = [c for c in layers["connections"].rows() if c["carriageway"] != side and c["access"]]
    drops = [row for row in rows if row["Detail"] == "drop under the road"]
    assert Counter(row["Name"] for row in drops) == Counter(c["connection"] for c in across)
    bridges = [row for row in rows if row["Element"] in ("bridge", "tunnel")]
    assert len(bridges) == 4 * len(papers.plan.layers["cables"].where(cable=first[0]["cable"])) * papers.rules.cables


def test_cables_laid_again_agree_with_reels(papers: Papers) -> None:
    """Sheath between the ends of every reel, from the cable laid again, is what the plan puts on that reel."""
    cables = laid_cables(ROAD, papers.plan.layers, papers.rules)
    for reel in papers.plan.layers["reels"].rows():
        cable = cables[str(reel["cable"])]
        laid_m = cable.at(float(reel["end_m"])).sheath_m - cable.at(float(reel["start_m"])).sheath_m
        assert laid_m == pytest.approx(reel["sheath_m"], abs=1e-6)


def test_chambers_lie_where_the_planned_cable_has_them(papers: Papers) -> None:
    """Every chamber between two closures: route, sheath and fibre of the plan's own cable, to a centimetre."""
    lines, _ = lines_of(ROAD, CONNECTIONS, papers.rules)
    cables = laid_cables(ROAD, papers.plan.layers, papers.rules)
    begun = {name: np.zeros(3) for name in cables}
    met = 0
    for line in lines:
        for span in line.chain.spans:
            for name, plant in zip(line.cables, span.plants, strict=True):
                route = plant.cable
                for measure_m in np.linspace(route.start_m, route.end_m, 40)[1:-1]:
                    known = begun[name] + [
                        float(way([measure_m])[0]) for way in (route.route_m, route.sheath_m, route.fibre_m)
                    ]
                    at = cables[name].at(float(measure_m))
                    assert [at.route_m, at.sheath_m, at.fibre_m] == pytest.approx(known, abs=0.01)
                    met += 1
                begun[name] = begun[name] + list(vars(route.whole).values())
    assert met > 100


def test_splices_are_those_of_the_bill(papers: Papers) -> None:
    """The bill adds pigtails and the far ends of drops."""
    layers = papers.plan.layers
    billed = next(quantity.quantity for quantity in papers.plan.quantities if quantity.item == "splice")
    rows = papers.rows("Splice schedule")
    pigtails = 2 * len(layers["spans"]) * papers.rules.fibres
    at_sites = sum(row["Splices"] for row in rows if row["To"] != "next reel")
    assert sum(row["Splices"] for row in rows) == billed - pigtails - at_sites


def test_colours_fill_their_cells(papers: Papers) -> None:
    sheet, rules = papers.book["Fibre assignment"], papers.rules
    heads = [cell.value for cell in sheet[1]]
    columns = heads.index("Fibre"), heads.index("Tube colour"), heads.index("Fibre colour")
    for row in sheet.iter_rows(min_row=2, max_row=rules.fibres + 1):
        fibre, tube, own = (row[column] for column in columns)
        number, place = divmod(fibre.value - 1, rules.tube_fibres)
        for cell, count in ((tube, number + 1), (own, place + 1)):
            assert cell.value == colour(count, rules.colour_code)
            assert cell.fill.fill_type is not None
            look = paint_of(cell.value)
            shown = cell.fill.fgColor if "pattern" not in look else cell.fill.bgColor
            assert shown.rgb[-6:] == look["bg_color"][1:]
    for row in papers.rows("Splice schedule"):
        assert row["Its fibre"] == colour((row["First fibre"] - 1) % rules.tube_fibres + 1, rules.colour_code)


@pytest.mark.parametrize("code", ["tia-598", "din-vde-0888"])
def test_every_colour_looks_different_and_can_be_read(code: ColourCode) -> None:
    """Contrast of letters and fill after WCAG 2.1: at least 4.5."""

    def luminance(rgb: str) -> float:
        parts = [int(rgb[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    looks = [paint_of(colour(number, code)) for number in range(1, 37)]
    assert len({tuple(sorted(look.items())) for look in looks}) == 36
    for look in looks:
        light, dark = sorted((luminance(look["bg_color"]), luminance(look["font_color"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, look


def test_sheets_print_and_filter(papers: Papers) -> None:
    for name in papers.book.sheetnames:
        sheet = papers.book[name]
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert "ESTIMATE" in sheet.oddHeader.center.text
        assert sheet.oddHeader.left.text == "A && B"
        if name == "Splice pages":
            continue
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        if name != "Cover":
            assert sheet.freeze_panes == "B2"
            assert sheet.print_title_rows == "$1:$1"
            last = sheet.max_row - (name in ("Bill", "Reels") or name in TOTALS)
            assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}{last}"


def test_words_over_columns_have_room(papers: Papers) -> None:
    """A word over a column is never wider than it, and the row is as high as the lines need, 15 points each."""
    for name in papers.book.sheetnames:
        if name in ("Cover", "Splice pages"):
            continue
        sheet = papers.book[name]
        for cell in sheet[1]:
            width = sheet.column_dimensions[cell.column_letter].width
            assert max(len(word) for word in cell.value.split()) < width
            assert len(cell.value) <= width * (sheet.row_dimensions[1].height or 15.0) / 15.0, (name, cell.value)


def test_the_bill_is_that_of_bom_xlsx(papers: Papers) -> None:
    """Quantities and unit prices read from bom.xlsx, its optical lines multiplied and added here in cents."""
    lines = _bill(papers.plan)
    known = openpyxl.load_workbook(io.BytesIO(bom_bytes(lines, {}, "EUR")))["BOM"].iter_rows(
        min_row=2, values_only=True
    )
    mine = [row for row in known if row[0] == "optical"]
    *rows, total = papers.book["Bill"].iter_rows(min_row=2, values_only=True)
    assert [row[:6] for row in rows] == [
        (item, many, unit, *prices) for _, item, many, unit, *prices in (r[:7] for r in mine)
    ]
    for column in (6, 7, 8):
        for row in rows:
            assert row[column] == pytest.approx(row[1] * row[column - 3], abs=0.0051)
        cents = sum(round(row[column] * 100) for row in rows)
        assert round(total[column] * 100) == cents
    assert "mast" not in [row[0] for row in rows]


def test_reels_are_ordered_in_whole_metres(papers: Papers) -> None:
    *rows, total = papers.rows("Reels")
    for row in rows:
        assert -1e-6 <= row["To order"] - row["Sheath used"] < 1
        assert row["Fibres"] == papers.rules.fibres
    assert total["To order"] == sum(row["To order"] for row in rows)
    assert total["Sheath used"] == pytest.approx(
        sum(cable["sheath_m"] for cable in papers.plan.layers["cables"].rows())
    )


def test_reels_are_what_the_bill_buys_and_laid_ones_are_not_ordered() -> None:
    plan, rules = _papers().plan, OpticalSettings()
    reels = plan.layers["reels"]
    billed_m = next(quantity.quantity for quantity in plan.quantities if quantity.item == "cable")
    assert float(reels["sheath_m"].sum()) == pytest.approx(billed_m)
    origin = np.where(np.arange(len(reels)) < 3, "as built", "planned").astype(object)
    built = {**plan.layers, "reels": Layer.from_columns(reels.schema, **{**reels.columns, "origin": origin})}
    (table,) = [table for table in tables_of(ROAD, built, rules) if table.name == "Reels"]
    assert [row[-1] for row in table.rows[:3]] == [0, 0, 0]
    left_m = float(reels["sheath_m"][3:].sum())
    assert left_m <= float(table.sums[-1]) <= left_m + len(reels)


def _pages(papers: Papers) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the splice pages by closure."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    closure = ""
    for row in papers.book["Splice pages"].iter_rows(values_only=True):
        first = str(row[0] or "")
        closure = first.split(",")[0] if first.startswith("CL-") else closure
        if first in ("before", "behind", "both"):
            found.setdefault(closure, []).append(row)
    return found


def test_splice_pages_hold_every_splice_with_the_colours_of_both_sides(papers: Papers) -> None:
    """Each pair of fibres of the layer ``splices`` stands on its closure's page, coloured after the list of colours."""
    layers, rules, pages = papers.plan.layers, papers.rules, _pages(papers)
    drops = {(r["connection"], r["fibre"]): (r["tube_colour"], r["fibre_colour"]) for r in layers["drop_fibres"].rows()}

    def colours(fibre: int) -> tuple[str, str]:
        tube, place = divmod(fibre - 1, rules.tube_fibres)
        return colour(tube + 1, rules.colour_code), colour(place + 1, rules.colour_code)

    wanted: dict[str, set[tuple[Any, ...]]] = {}
    for row in layers["splices"].rows():
        for step in range(row["last"] - row["first"] + 1):
            near, far = row["first"] + step, row["to_first"] + step
            there = colours(far) if row["to"] == "next reel" else drops[row["to"].removeprefix("drop "), far]
            wanted.setdefault(row["closure"], set()).add((row["side"], near, *colours(near), row["to"], far, *there))
    shown: dict[str, set[tuple[Any, ...]]] = {}
    for closure, rows in pages.items():
        for side, numbers, tube, own, to, far_numbers, far_tube, far_own, splices, loss in rows:
            first, last = (int(n) for n in (f"{numbers}–{numbers}".split("–")[0], str(numbers).split("–")[-1]))
            far = int(str(far_numbers).split("–")[0])
            assert splices == last - first + 1
            assert loss is None
            for step in range(splices):
                mine, theirs = (own, far_own) if splices == 1 else (colours(first + step)[1], colours(far + step)[1])
                pair = (side, first + step, tube, mine, to, far + step, far_tube, theirs)
                shown.setdefault(closure, set()).add(pair)
    assert shown == wanted
    breaks = papers.book["Splice pages"].row_breaks.brk
    assert len(breaks) == len(layers["closures"]) - 1
    for mark in breaks:
        assert str(papers.book["Splice pages"].cell(mark.id + 1, 1).value).startswith("CL-")


def test_huts_hold_what_lights_their_links(papers: Papers) -> None:
    """Transceivers and attenuators in huts, and those at connections, are the ones of the bill."""
    billed = {quantity.item: quantity.quantity for quantity in papers.plan.quantities}
    layers, rows = papers.plan.layers, papers.rows("Hut equipment")
    huts = set(layers["huts"]["hut"])
    links = [(row["optics"], row["attenuator_db"], 1) for row in layers["links"].rows()]
    links += [
        (r["optics"], r["attenuator_db"], (r["first"] not in huts) + (r["second"] not in huts))
        for r in layers["ring_segments"].rows()
    ]
    for optics in {optics for optics, *_ in links}:
        in_huts = sum(row["Number"] for row in rows if row["Kind"] == "transceiver" and row["Item"] == optics)
        assert in_huts + sum(far for name, _, far in links if name == optics) == billed[f"transceiver {optics}"]
    in_huts = sum(row["Number"] for row in rows if row["Kind"] == "attenuator")
    assert in_huts + sum(far for _, loss_db, far in links if loss_db > 0.0) == billed.get("attenuator", 0)
    ends = sum(row["Number"] for row in rows if row["Kind"] == "fibre ends")
    assert ends == 2 * len(layers["spans"]) * papers.rules.fibres


def test_there_is_no_formula_and_the_bytes_repeat(papers: Papers) -> None:
    for sheet in papers.book:
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert "=1+1" in [row["Connection"] for row in papers.rows("Connections")]
    quoted = [cell for row in papers.book["Connections"].iter_rows() for cell in row if cell.value == "=1+1"]
    assert quoted
    assert all(cell.quotePrefix for cell in quoted)
    again = LinePapers(ROAD, papers.plan.layers, papers.rules, "A & B", "estimate", _bill(papers.plan), "EUR")
    assert line_papers_bytes(again) == papers.content


def test_a_failing_margin_is_marked(papers: Papers) -> None:
    rules = papers.book["Spans"].conditional_formatting
    ranges = {str(found.sqref): [rule.operator for rule in found.rules] for found in rules}
    assert ranges == {f"I2:I{len(papers.plan.layers['spans']) + 1}": ["lessThan"]}
    assert papers.book["Spans"]["I1"].value == "Margin, dB"


def test_a_plan_that_fails_says_so_and_one_that_holds_says_nothing() -> None:
    plan, rules = _papers().plan, OpticalSettings(ring_members=6, span_limit_m=60_000.0)
    for holds, words in (("no", "does not keep"), ("yes", "")):
        content = line_papers_bytes(LinePapers(ROAD, plan.layers, rules, "T", holds, _bill(plan), "EUR"))
        told = openpyxl.load_workbook(io.BytesIO(content))["Cover"]["A2"].value or ""
        assert words in told
        assert bool(told) == bool(words)
