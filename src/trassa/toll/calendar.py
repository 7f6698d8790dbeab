"""What time it is for a tariff: its own zone, its own day, and the dates that it prices as another day.

A tariff day need not begin at midnight. With a day from 06:00 to 01:00, of a local time ``t``:

1. it is *night* from 01:00:00.000 until 05:59:59.999;
2. at any other time the tariff date is ``date(t - 1 h)``: Friday 00:59:59 still belongs to Thursday;
3. a date that the calendar names is priced as the day named there (a Monday as a Sunday); night stays night.

A day that begins when it ends (00:00 to 00:00) is the civil day and has no night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["DAYS", "NIGHT", "DayKind", "TariffDay", "local_text", "moment_ms"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NIGHT = "night"


@dataclass(frozen=True)
class DayKind:
    """What a moment is for a tariff: ``kind`` is a day of the week or ``night``, ``date`` the tariff date."""

    kind: str
    date: date
    is_by_calendar: bool


@dataclass(frozen=True)
class TariffDay:
    """When a tariff's day runs, in its own zone, and which dates it prices as another day."""

    zone: str
    starts: time
    ends: time
    dates: Mapping[date, str]

    def kind_at(self, time_ms: int) -> DayKind:
        """The kind of a moment, by the rules of this module."""
        local = _local(time_ms, self.zone)
        if self.ends <= local.time() < self.starts:  # RULE 1
            return DayKind(NIGHT, local.date(), False)
        behind = timedelta(hours=self.ends.hour, minutes=self.ends.minute, seconds=self.ends.second)
        day = (local - behind).date()  # RULE 2; wall time, so both sides are without a zone
        named = self.dates.get(day)  # RULE 3
        return DayKind(named or DAYS[day.weekday()], day, named is not None)

    def kinds_between(self, earliest_ms: int, latest_ms: int) -> Iterator[DayKind]:
        """The kinds at both ends of a span and after every edge within it."""
        yield self.kind_at(earliest_ms)
        day = _local(earliest_ms, self.zone).date()
        last = _local(latest_ms, self.zone).date()
        while day <= last:
            for edge in (self.ends, self.starts):
                edge_ms = moment_ms(datetime.combine(day, edge), self.zone)
                if earliest_ms < edge_ms <= latest_ms:
                    yield self.kind_at(edge_ms)
            day += timedelta(days=1)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(time_ms: int, zone: str) -> datetime:
    """Wall time in a zone, without the zone: no arithmetic across a clock change is done on aware times."""
    seconds, rest_ms = divmod(time_ms, 1000)
    return datetime.fromtimestamp(seconds, _zone(zone)).replace(tzinfo=None) + timedelta(milliseconds=rest_ms)


def local_text(time_ms: int, zone: str) -> str:
    """A moment as local time with its offset, ``2026-06-05T00:30:00.000+03:00``."""
    seconds, rest_ms = divmod(time_ms, 1000)
    aware = datetime.fromtimestamp(seconds, _zone(zone)).replace(microsecond=rest_ms * 1000)
    return aware.isoformat(timespec="milliseconds")


def moment_ms(local: datetime, zone: str) -> int:
    """The moment of a wall time in a zone; of an hour that comes twice, the first."""
    aware = local.replace(tzinfo=_zone(zone)).astimezone(UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
