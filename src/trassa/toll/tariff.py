"""A tariff system: toll points, classes, means of payment, and price tables with the time in which they hold.

It is what a tariff file says (TOML, see ``tariffs/``); nothing here reads files or knows vehicles. Two kinds:

``matrix``
    a price for each *directed* pair of entry and exit. A pair that is not in the table has no price: not zero, not
    that of the other direction, not the sum of its parts.
``sections``
    a chain of sections, each with a gantry; a trip costs the sum of its sections.

Prices are whole multiples of ``price_unit_minor``: 1650 at a unit of 100 is 165 000 kopecks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, field_validator, model_validator

from trassa.toll.calendar import TariffDay, moment_ms

__all__ = ["Calendar", "PriceKey", "PriceTable", "TariffSystem", "TariffVersion", "TollPoint"]

PriceKey = tuple[str, str, str, str, str]
"""Class, payment, from, to, profile."""
_Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]
_Share = Annotated[str, Field(pattern=r"^(0|1|0\.[0-9]{1,6})$")]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TollPoint(_Said):
    """A place where vehicles are seen, and what it is in this system: a node, or the gantry of a section."""

    id: _Id
    name: str
    km: Annotated[float, Field(ge=0.0, le=100_000.0, allow_inf_nan=False)] | None = None
    latitude_deg: Annotated[float, Field(ge=-90.0, le=90.0)] | None = None
    longitude_deg: Annotated[float, Field(ge=-180.0, le=180.0)] | None = None
    at: Literal["main line", "ramp"] = "main line"
    carriageways: tuple[Literal["increasing", "decreasing"], ...] = ("increasing", "decreasing")
    node: str = ""
    end: bool = False
    section: tuple[str, str] | None = None

    @model_validator(mode="after")
    def _whole_place(self) -> TollPoint:
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise ValueError("latitude_deg and longitude_deg stand together, or neither does")
        return self


class Calendar(_Said):
    """Dates that are priced as another day; ``id`` names the edition."""

    id: str
    source: str
    priced_as: Mapping[_Day, tuple[date, ...]]

    @cached_property
    def dates(self) -> Mapping[date, str]:
        """Day by date."""
        return {day: name for name, days in self.priced_as.items() for day in days}


class PriceTable(_Said):
    """Prices of one class and one payment: a row is ``[from, to, price of each column …]``.

    With ``origin`` all rows start there and leave the first word out.
    """

    vehicle_class: str = Field(alias="class")
    payment: str
    columns: tuple[str, ...]
    origin: str = Field(default="", alias="from")
    rows: tuple[tuple[StrictInt | StrictStr, ...], ...]


class TariffVersion(_Said):
    """What holds from a moment on: ``[from, to)`` in local time of the system's zone."""

    id: str
    source: str
    read: date
    since: datetime = Field(alias="from")
    until: datetime | None = Field(default=None, alias="to")
    time_base: Literal["entry", "exit"]
    rounding: Literal["half up", "half even", "up", "down"]
    round_to_minor: int = Field(default=1, ge=1)
    vat_rate: _Share | None = None
    cap_minor_per_km: int | None = Field(default=None, ge=1)
    cap_slack_km: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    day_starts: time = time(0)
    day_ends: time = time(0)
    profiles: Mapping[str, tuple[_Day | Literal["night"], ...]]
    calendar: Calendar | None = None
    discounts: Mapping[str, _Share] = Field(default={})
    tables: tuple[PriceTable, ...] = Field(alias="table")

    @field_validator("since", "until")
    @classmethod
    def _is_local(cls, moment: datetime | None) -> datetime | None:
        if moment is not None and moment.tzinfo is not None:
            raise ValueError(f"{moment.isoformat()} has an offset; write local time of the system's zone")
        return moment

    @cached_property
    def profile_by_kind(self) -> Mapping[str, str]:
        """Profile by kind of day."""
        return {kind: profile for profile, kinds in self.profiles.items() for kind in kinds}

    def discount(self, payment: str) -> Fraction:
        """The share of the price that a payment saves."""
        return Fraction(self.discounts.get(payment, "0"))

    def rows(self) -> list[tuple[PriceTable, str, str, tuple[int | str, ...]]]:
        """Every row as table, from, to, prices; short rows are left out (the check names them)."""
        found: list[tuple[PriceTable, str, str, tuple[int | str, ...]]] = []
        for table in self.tables:
            for row in table.rows:
                words = (table.origin, *row) if table.origin else row
                if len(words) >= 2:
                    found.append((table, str(words[0]), str(words[1]), words[2:]))
        return found


class TariffSystem(_Said):
    """One operator's tariff on one stretch; ``file`` and ``sha256`` say what was read."""

    file: str
    sha256: str
    format: Literal["trassa-tariff/1"]
    system: _Id
    name: str
    kind: Literal["matrix", "sections"]
    operator: _Id
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_unit_minor: int = Field(ge=1)
    zone: str
    longest_trip_h: float = Field(gt=0.0, le=72.0)
    top_speed_kmh: float = Field(default=250.0, gt=0.0, allow_inf_nan=False)
    classes: Mapping[str, str]
    payments: Mapping[str, tuple[Literal["tag", "plate", "own"], ...]]
    aliases: Mapping[str, str] = Field(default={})
    points: tuple[TollPoint, ...] = Field(alias="toll_point")
    versions: tuple[TariffVersion, ...] = Field(alias="version")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{zone!r} is no time zone; write one as Europe/Moscow") from None
        return zone

    @property
    def longest_trip_ms(self) -> int:
        """The longest time between entry and exit, or between two gantries."""
        return round(self.longest_trip_h * 3_600_000)

    @cached_property
    def point(self) -> Mapping[str, TollPoint]:
        """Toll points by id."""
        return {point.id: point for point in self.points}

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes between which there may be a price, in the order of the file."""
        ends = (end for point in self.points for end in (point.section or (point.node,)))
        return tuple(dict.fromkeys(ends))

    @cached_property
    def chain(self) -> tuple[tuple[str, str], ...]:
        """The sections in their order along the road."""
        return tuple(dict.fromkeys(point.section for point in self.points if point.section))

    @cached_property
    def _validity_ms(self) -> tuple[tuple[int, int | None], ...]:
        return tuple(
            (
                moment_ms(version.since, self.zone),
                None if version.until is None else moment_ms(version.until, self.zone),
            )
            for version in self.versions
        )

    def version_at(self, time_ms: int) -> TariffVersion | None:
        """The version in force at a moment, or none."""
        for version, (since_ms, until_ms) in zip(self.versions, self._validity_ms, strict=True):
            if since_ms <= time_ms and (until_ms is None or time_ms < until_ms):
                return version
        return None

    def day_of(self, version: TariffVersion) -> TariffDay:
        """The tariff day of a version."""
        dates = version.calendar.dates if version.calendar else {}
        return TariffDay(self.zone, version.day_starts, version.day_ends, dates)

    @cached_property
    def _prices(self) -> Mapping[str, Mapping[PriceKey, int]]:
        return {
            version.id: {
                (table.vehicle_class, table.payment, start, end, column): price
                for table, start, end, prices in version.rows()
                for column, price in zip(table.columns, prices, strict=False)
                if isinstance(price, int)
            }
            for version in self.versions
        }

    def price(self, version: TariffVersion, key: PriceKey) -> int | None:
        """The published price in units of the file; none where there is none. The pair is directed."""
        return self._prices[version.id].get(key)

    def payment_of(self, means: str) -> str | None:
        """The payment under which a means is priced."""
        return next((payment for payment, all_means in self.payments.items() if means in all_means), None)

    def path(self, start: str, end: str) -> tuple[tuple[str, str], ...] | None:
        """The sections from one node to another along the chain; none where the chain is broken between them."""
        following = dict(self.chain)
        path: list[tuple[str, str]] = []
        node = start
        while node != end:
            if node not in following or len(path) > len(self.chain):
                return None
            path.append((node, following[node]))
            node = following[node]
        return tuple(path) or None
