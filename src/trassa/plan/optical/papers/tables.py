"""The tables of line.xlsx: the bill, the straight line, and a sheet for every layer of the line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from trassa.linear import ARROWS, Layer
from trassa.optical.colours import colour
from trassa.optical.layers import SCHEMAS
from trassa.optical.settings import OpticalSettings
from trassa.plan.amounts import major_digits
from trassa.plan.bom import BomLine, total_of
from trassa.plan.optical.papers.elements import elements_of
from trassa.plan.optical.papers.hut_equipment import hut_equipment
from trassa.plan.optical.papers.sheets import SHEETS, SheetOf, title_of
from trassa.plan.optical.papers.table import Field, Table, Value, layer_table
from trassa.road.model import Road

__all__ = ["bill_table", "tables_of"]


def tables_of(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> list[Table]:
    """The sheets in order; those whose layer is missing or empty are left out."""
    found = [_straight_line(road, layers, rules)] if "cables" in layers else []
    for sheet in (*SHEETS, *_unlisted()):
        if sheet.layer not in layers or not len(layers[sheet.layer]):
            continue
        layer = layers[sheet.layer]
        found.append(_splices(road, layer, rules) if sheet.layer == "splices" else layer_table(sheet, layer, road))
        if sheet.layer == "huts":
            found.append(hut_equipment(road, layers))
        if sheet.layer == "closures" and "reels" in layers:
            found.append(_reels(road, layers))
    return found


def bill_table(lines: Sequence[BomLine], currency: str) -> Table:
    """The optical lines of the bill with prices, ranges and sums, as bom.xlsx has them."""
    mine = [line for line in lines if line.trade == "optical"]
    digits = major_digits(currency)
    kind = f"money{digits}"
    money = ("Unit price", "Lowest", "Highest", "Amount", "Lowest amount", "Highest amount")
    fields = (
        Field("Item", "text"), Field("Quantity", "quantity"), Field("Unit", "text"),
        *(Field(f"{head}, {currency}", kind) for head in money), Field("Assumed", "text"), Field("Source", "text"),
    )  # fmt: skip
    rows: list[list[Value]] = []
    for line in mine:
        cost, price = line.cost(currency), line.price
        each = price.amount_minor, price.low_minor, price.high_minor
        minor = *each, cost.amount_minor, cost.low_minor, cost.high_minor
        assumed = "assumed" if price.assumed else ""
        rows.append([line.item, line.quantity, line.unit, *(m / 10**digits for m in minor), assumed, price.source])
    total = total_of(mine, currency)
    sums = [m / 10**digits for m in (total.amount_minor, total.low_minor, total.high_minor)]
    what = f"What the line is made of and costs, {currency}; bom.xlsx has every trade, with formulas"
    return Table("Bill", what, fields, rows, ["Total", "", "", "", "", "", *sums, "", ""])


def _unlisted() -> list[SheetOf]:
    """Layers that no sheet speaks of by name."""
    listed = {*(sheet.layer for sheet in SHEETS), "cables", "reels", "backbone_equipment"}
    return [
        SheetOf(title_of(name)[:31], name, schema.description, "")
        for name, schema in SCHEMAS.items()
        if name not in listed
    ]


def _straight_line(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Table:
    fields = (
        Field("Cable", "text"), Field("Place", "text"), Field("Measure, m", "m"), Field("Side", "arrow"),
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


def _reels(road: Road, layers: Mapping[str, Layer]) -> Table:
    """Reels with the length to order: whole metres of sheath, none where the cable is laid already."""
    reels, fibres = layers["reels"], dict(zip(layers["cables"]["cable"], layers["cables"]["fibres"], strict=True))
    named = "reel=Reel cable=Cable @start_m=From @end_m=To sheath_m=Sheath_used"
    what = "Reels of cable between joints; what to order is whole metres of sheath, without a reserve for cutting"
    table = layer_table(SheetOf("Reels", "reels", what, named), reels, road)
    origin = reels["origin"].tolist() if "origin" in reels.columns else [""] * len(reels)
    order_m = [0 if "built" in of else math.ceil(m - 1e-6) for of, m in zip(origin, reels["sheath_m"], strict=True)]
    extra = list(zip([int(fibres[cable]) for cable in reels["cable"]], order_m, strict=True))
    fields = (*table.fields, Field("Fibres", "count"), Field("To order, m", "count"))
    rows = [(*row, *more) for row, more in zip(table.rows, extra, strict=True)]
    total: list[Value] = [""] * len(fields)
    total[0], total[4], total[-1] = "Total", float(reels["sheath_m"].sum()), sum(order_m)
    return Table("Reels", what, fields, rows, total)


def _splices(road: Road, splices: Layer, rules: OpticalSettings) -> Table:
    fields = (
        Field("Closure", "text"), Field("Place", "text"), Field("Side", "text"),
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
    return Table("Splice schedule", what, fields, rows, ["Total", *[""] * 11, int(splices["splices"].sum())])


def _colours(fibre: int, rules: OpticalSettings) -> tuple[str, str]:
    tube, place = divmod(fibre - 1, rules.tube_fibres)
    return colour(tube + 1, rules.colour_code), colour(place + 1, rules.colour_code)
