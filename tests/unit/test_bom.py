"""bom.xlsx: the sums add up, the bytes repeat, and an interrupted write leaves the old file."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from synthetic_plan import SyntheticPlan, synthetic_plan
from trassa.errors import ConfigError, InputError
from trassa.plan.amounts import amount_text, figure_text
from trassa.plan.bom import BomLine, bom_bytes, total_of, write_bom
from trassa.pricing import Price

NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture(scope="module")
def plan() -> SyntheticPlan:
    return synthetic_plan()


def cells_of(book: bytes, sheet: int) -> dict[str, tuple[str, str]]:
    """``{"B2": (value, formula)}`` of one sheet, read from the file's XML and not by the library that wrote it."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(item.itertext()) for item in shared.findall("m:si", NAMES)]
        tree = ElementTree.fromstring(archive.read(f"xl/worksheets/sheet{sheet}.xml"))
    cells = {}
    for cell in tree.iterfind(".//m:c", NAMES):
        value = cell.findtext("m:v", "", NAMES)
        shown = texts[int(value)] if cell.get("t") == "s" else value
        cells[str(cell.get("r"))] = (shown, cell.findtext("m:f", "", NAMES))
    return cells


def test_the_sums_are_those_of_the_cells(plan: SyntheticPlan) -> None:
    """Every formula is worked out again, in decimal, from the cells that it names."""
    cells = cells_of(bom_bytes(plan.bill, plan.layers, "RUB"), 1)
    last = len(plan.bill) + 1
    for column, price in zip("HIJ", "EFG", strict=True):
        sum_ = Decimal(0)
        for row in range(2, last + 1):
            value, formula = cells[f"{column}{row}"]
            assert formula == f"ROUND(C{row}*{price}{row},2)"
            product = Decimal(cells[f"C{row}"][0]) * Decimal(cells[f"{price}{row}"][0])
            assert abs(Decimal(value) - product) <= Decimal("0.005")
            sum_ += Decimal(value)
        value, formula = cells[f"{column}{last + 1}"]
        assert formula == f"SUM({column}2:{column}{last})"
        assert Decimal(value) == sum_
    total = total_of(plan.bill, "RUB")
    assert Decimal(cells[f"H{last + 1}"][0]) == Decimal(total.amount_minor) / 100


def test_lines_and_layers_are_all_there(plan: SyntheticPlan) -> None:
    book = bom_bytes(plan.bill, plan.layers, "RUB")
    bill = {value for value, _ in cells_of(book, 1).values()}
    assert {line.item for line in plan.bill} <= bill
    assert "assumed" in bill
    for sheet, (layer, column) in enumerate(
        (("sites", "site"), ("huts", "hut"), ("closures", "closure"), ("links", "link")), start=2
    ):
        cells = cells_of(book, sheet)
        heads = {value: re.sub(r"\d", "", at) for at, (value, _) in cells.items() if re.fullmatch(r"[A-Z]+1", at)}
        listed = [cells[f"{heads[column]}{row}"][0] for row in range(2, len(plan.layers[layer]) + 2)]
        assert listed == plan.layers[layer][column].tolist()


def test_the_same_bill_gives_the_same_bytes(plan: SyntheticPlan) -> None:
    assert bom_bytes(plan.bill, plan.layers, "RUB") == bom_bytes(plan.bill, plan.layers, "RUB")


def test_text_is_never_a_formula(plan: SyntheticPlan) -> None:
    price = Price(amount_minor=1, low_minor=1, high_minor=1, unit="m", source='=HYPERLINK("x")')
    cells = cells_of(bom_bytes([BomLine("=1+1", "radio", 1.0, "m", price)], {}, "EUR"), 1)
    assert cells["B2"] == ("=1+1", "")
    assert cells["K2"] == ('=HYPERLINK("x")', "")


def test_a_failed_write_leaves_the_old_file(
    plan: SyntheticPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bom.xlsx"
    path.write_bytes(b"old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="No space left"):
            write_bom(path, plan.bill, plan.layers, "RUB")
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == [path]
    write_bom(path, plan.bill, plan.layers, "RUB")
    assert path.read_bytes() == bom_bytes(plan.bill, plan.layers, "RUB")


def test_an_empty_bill_sums_to_nothing() -> None:
    cells = cells_of(bom_bytes([], {}, "EUR"), 1)
    assert cells["H2"] == ("0", "")


def test_units_of_quantity_and_price_must_agree(plan: SyntheticPlan) -> None:
    price = plan.bill[2].price
    with pytest.raises(ConfigError, match="counted in km but priced per m"):
        BomLine("Cable", "optical", 41.6, "km", price)
    with pytest.raises(ConfigError, match="not a count or a length"):
        BomLine("Cable", "optical", -1.0, "m", price)


def test_amounts_as_people_read_them() -> None:
    assert amount_text(123_456_789, "EUR") == "1\u202f234\u202f568 EUR"
    assert amount_text(317, "RUB") == "3.17 RUB"
    assert amount_text(1_500, "JPY") == "1\u202f500 JPY"
    assert figure_text(-0.001, 2) == "0.00"
    assert figure_text(-1234.5, 1) == "−1\u202f234.5"
    assert figure_text(None) == "–"
