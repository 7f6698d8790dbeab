"""The twin's own reading of the price tables, against the tables it was not typed from."""

from __future__ import annotations

import csv
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

import trassa
from trassa.errors import UsageError
from trassa.twin.prices import PriceList, Unpriced

TARIFFS = Path(trassa.__file__).parent / "toll" / "tariffs"
# an exit in each column of the published table: night, Mon–Thu, Fri, Sat, Sun
COLUMNS = {
    "night_0100_0600": "2026-06-05T03:00",
    "monThu": "2026-06-03T12:00",
    "fri": "2026-06-05T12:00",
    "sat": "2026-06-06T12:00",
    "sun": "2026-06-07T12:00",
}


def _list(name: str) -> PriceList:
    with (TARIFFS / f"{name}.toml").open("rb") as stream:
        return PriceList(tomllib.load(stream), name)


def _ms(local: str) -> int:
    return int(datetime.fromisoformat(f"{local}+03:00").timestamp() * 1000)


def _price(prices: PriceList, start: str, end: str, local: str, vehicle_class: str = "1", means: str = "plate") -> int:
    exit_ms = _ms(local)
    return prices.price_minor(
        start, end, entry_ms=exit_ms - 3_600_000, exit_ms=exit_ms, vehicle_class=vehicle_class, means=means
    )


def test_every_published_pair_and_column_of_km_15_to_58(shared: Path) -> None:
    prices = _list("m11-15-58")
    with (shared / "toll" / "m11_tariff_15_58_cat1_2026-04-24.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 32
    for row in rows:
        for column, local in COLUMNS.items():
            assert _price(prices, row["from"], row["to"], local) == 100 * int(row[column]), (row, column)
    listed = {(row["from"], row["to"]) for row in rows}
    assert set(prices.priced_pairs("1", "plate", _ms("2026-06-05T12:00"))) == listed


@pytest.mark.parametrize(
    ("exit_at", "rubles"),
    [
        # moscow → solnechnogorsk: night 880, Mon–Thu 1130, Friday and Saturday 1650, Sunday 1260
        ("2026-06-05T00:59:59", 1130),
        ("2026-06-05T01:00:00", 880),
        ("2026-06-05T05:59:59", 880),
        ("2026-06-05T06:00:00", 1650),
        ("2026-06-07T00:59:59", 1650),
        ("2026-06-08T00:59:59", 1260),
        ("2026-06-08T06:00:00", 1130),
        ("2026-06-11T12:00:00", 1650),  # a Thursday priced as Friday
        ("2026-05-11T12:00:00", 1260),  # a Monday priced as Sunday
        ("2026-05-12T00:59:59", 1260),
        ("2026-05-12T06:00:00", 1130),
        ("2026-05-09T12:00:00", 1650),
    ],
)
def test_tariff_day_and_named_dates(exit_at: str, rubles: int) -> None:
    assert _price(_list("m11-15-58"), "moscow", "solnechnogorsk", exit_at) == 100 * rubles


@pytest.mark.parametrize(
    ("name", "start", "end", "exit_at", "vehicle_class", "means", "want"),
    [
        ("m11-15-58", "sheremetyevo2", "zelenograd", "2026-06-05T12:00", "1", "plate", "pair"),
        ("m11-15-58", "moscow", "zelenograd", "2026-06-05T12:00", "4", "plate", "class"),
        ("m11-15-58", "moscow", "zelenograd", "2026-06-05T12:00", "1", "tag", "payment"),
        ("m11-15-58", "moscow", "zelenograd", "2026-04-24T00:30", "1", "plate", "time"),
        ("m11-58-684", "solnechnogorsk", "klin", "2026-06-05T03:00", "1", "plate", "hour"),
        ("m11-58-684", "klin", "tver", "2026-06-05T12:00", "1", "plate", "pair"),
        ("m11-58-684", "klin", "solnechnogorsk", "2026-06-05T12:00", "1", "plate", "pair"),
    ],
)
def test_what_no_table_lists_is_never_free(
    name: str, start: str, end: str, exit_at: str, vehicle_class: str, means: str, want: str
) -> None:
    with pytest.raises(Unpriced, match=want):
        _price(_list(name), start, end, exit_at, vehicle_class, means)


def test_row_from_km_58_by_the_published_figures() -> None:
    prices = _list("m11-58-684")
    assert _price(prices, "solnechnogorsk", "obukhovo", "2026-06-04T12:00") == 7_000
    assert _price(prices, "solnechnogorsk", "obukhovo", "2026-06-05T12:00") == 10_000
    assert _price(prices, "solnechnogorsk", "sankt-peterburg", "2026-06-04T12:00") == 390_000
    assert _price(prices, "solnechnogorsk", "sankt-peterburg", "2026-06-05T12:00") == 420_000
    assert len(prices.priced_pairs("1", "plate", _ms("2026-06-05T12:00"))) == 20


def test_a_moment_before_every_version_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"m11-15-58 has no prices in force on 2026-03-20 .* begin on 2026-04-24"):
        _list("m11-15-58").priced_pairs("1", "plate", _ms("2026-03-20T12:00"))
