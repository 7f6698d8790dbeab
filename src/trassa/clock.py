"""The one clock. UTC inside; local time only at the edge."""

from __future__ import annotations

import os
from datetime import UTC, datetime

__all__ = ["now", "timestamp"]


def now() -> datetime:
    """The present moment in UTC, or ``$SOURCE_DATE_EPOCH`` where a build must repeat byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)


def timestamp() -> str:
    """The present moment as ISO 8601 text in UTC with whole seconds, ``2026-11-23T04:25:00Z``."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")
