"""A moment as people write it on a command line."""

from __future__ import annotations

__all__ = ["drive_moment_ms"]

_FIRST_YEAR, _LAST_YEAR = 2005, 2099
"""The clock of vehicles begins with 2004; no calendar of a tariff reaches beyond."""


def drive_moment_ms(command: str, text: str, example: str) -> int:
    """The value of ``--start`` in milliseconds of UTC.

    :raises UsageError: it is no moment, has no offset, or lies where no drive can be.
    """
    from datetime import datetime

    from trassa.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{command}: --start {text!r} is not a moment with its offset", cure=f"--start {example}")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise UsageError(
            f"{command}: --start {text!r} lies outside {_FIRST_YEAR} to {_LAST_YEAR}", cure=f"--start {example}"
        )
    return round(moment.timestamp() * 1000)
