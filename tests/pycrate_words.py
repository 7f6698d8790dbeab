"""Values of our schemas as pycrate's modules call them, so that two codecs can be held against each other.

pycrate knows Release 1 only. Its names are those of EN 302 637; Release 2 renamed fields without moving a bit.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["as_pycrate", "release_1_words"]

_RENAMED = {
    "messageId": "messageID",
    "stationId": "stationID",
    "actionId": "actionID",
    "originatingStationId": "originatingStationID",
    "semiMajorAxisLength": "semiMajorConfidence",
    "semiMinorAxisLength": "semiMinorConfidence",
    "semiMajorAxisOrientation": "semiMajorOrientation",
    "awarenessDistance": "relevanceDistance",
    "trafficDirection": "relevanceTrafficDirection",
    "eventZone": "eventHistory",
    "detectionZonesToEventPosition": "traces",
    "cenDsrcTollingZoneId": "cenDsrcTollingZoneID",
    "protectedZoneId": "protectedZoneID",
}
_VALUES = {
    "sameAsReferenceDirection-upstreamOfReferencePosition": "upstreamTraffic",
    "sameAsReferenceDirection-downstreamOfReferencePosition": "downstreamTraffic",
    "oppositeToReferenceDirection": "oppositeTraffic",
    "uvar": "reserved1",
    "rfu1": "reserved2",
    "rfu2": "reserved3",
}
_LATER = ("extensionContainers", "linkedDenms", "eventEnd")


def as_pycrate(value: Any) -> Any:
    """Our value in pycrate's Python: a bit string is ``(number, bits)``, ``NULL`` is 0."""
    if isinstance(value, dict):
        return {name: as_pycrate(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_pycrate(part) for part in value]
    if isinstance(value, tuple) and isinstance(value[0], bytes):
        return int.from_bytes(value[0], "big") >> (-value[1] % 8), value[1]
    if isinstance(value, tuple):
        return value[0], as_pycrate(value[1])
    return 0 if value is None else value


def release_1_words(value: Any, name: str = "") -> Any:
    """A Release-2 value with the names of Release 1; what Release 2 added is left out."""
    if isinstance(value, dict):
        if "ccAndScc" in value:
            alternative, sub_cause_code = value["ccAndScc"]
            code = re.search(r"\d+$", alternative)
            assert code, alternative
            return {"causeCode": int(code[0]), "subCauseCode": sub_cause_code}
        prefix = {"eventPositionHeading": "heading"}.get(name, name)
        if set(value) == {"value", "confidence"}:
            return {f"{prefix}Value": value["value"], f"{prefix}Confidence": value["confidence"]}
        kept = {key: part for key, part in value.items() if key not in _LATER}
        return {_RENAMED.get(key, key): release_1_words(part, key) for key, part in kept.items()}
    if isinstance(value, list):
        return [release_1_words(part) for part in value]
    if isinstance(value, tuple) and isinstance(value[0], str):
        return value[0], release_1_words(value[1])
    return _VALUES.get(value, value) if isinstance(value, str) else value
