"""Messages between bytes and values: CAM, DENM and IVIM, each by the schema of its protocolVersion.

1. The schema is chosen by ``protocolVersion`` and ``messageID``, the first two bytes: a wrong schema may fit every
   bit and say something else. A version other than 1 and 2 is refused by its number.
2. What is accepted is within its bounds and whole; what the schema does not know stays as bytes (see ``wire``).
3. What is written is read again and must be what was meant: a misspelt field or a number out of range is an error.
4. A message is evidence: the received bytes stay with it in ``pdu`` and are what is passed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from trassa.vehicles.refusal import Refused
from trassa.vehicles.schemas import MESSAGE_NAMES, PROTOCOL_VERSIONS, specification, strict_type

__all__ = ["Message", "cause_of", "cause_of_code", "decode", "encode"]

_DEFAULTS = {"validityDuration": 600}

_HEADER_BYTES = 6
_LONGEST_BYTES = 8192  # beyond any message of the field, below the first length that UPER would fragment

_LATITUDE_UNAVAILABLE = 900_000_001
_LONGITUDE_UNAVAILABLE = 1_800_000_001


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its type, who sent it, the decoded tree and the bytes it came in."""

    type: str
    protocol_version: int
    station_id: int
    value: dict[str, Any]
    pdu: bytes

    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude of the station or of the event, degrees WGS 84; none where not available."""
        found = _reference_position(self.type, self.value)
        if found is None or found["latitude"] == _LATITUDE_UNAVAILABLE or found["longitude"] == _LONGITUDE_UNAVAILABLE:
            return None
        return found["latitude"] / 1e7, found["longitude"] / 1e7

    def cause(self) -> tuple[int, int] | None:
        """Cause and sub cause code of a DENM that names its event."""
        situation = self.value["denm"].get("situation") if self.type == "DENM" else None
        return None if situation is None else cause_of(situation["eventType"])

    def as_json(self) -> dict[str, Any]:
        """The message as JSON knows values: bytes as hex, bit strings as their bits, a choice as ``{name: value}``."""
        latitude_deg, longitude_deg = self.position() or (None, None)
        cause_code, sub_cause_code = self.cause() or (None, None)
        return {
            "type": self.type,
            "protocol_version": self.protocol_version,
            "station_id": self.station_id,
            "latitude_deg": latitude_deg,
            "longitude_deg": longitude_deg,
            "cause_code": cause_code,
            "sub_cause_code": sub_cause_code,
            "value": _plain(self.value),
        }


def cause_of(event_type: dict[str, Any]) -> tuple[int, int]:
    """Cause and sub cause code of a cause as either release writes it."""
    if "causeCode" in event_type:
        return event_type["causeCode"], event_type["subCauseCode"]
    name, sub_cause_code = event_type["ccAndScc"]
    return _cause_alternatives().index(name), sub_cause_code


def cause_of_code(cause_code: int, sub_cause_code: int) -> dict[str, Any]:
    """The cause as Release 2 writes it, ready for ``eventType``; codes above 128 cannot be written there."""
    names = _cause_alternatives()
    if not 0 <= cause_code < len(names):
        raise Refused("value", f"cause code {cause_code} is outside 0..{len(names) - 1}, which Release 2 can write")
    return {"ccAndScc": (names[cause_code], sub_cause_code)}


def decode(pdu: bytes) -> Message:
    """Read one message, or raise :class:`Refused` with the layer that was wrong and the reason."""
    from trassa.vehicles.wire import read_strictly

    protocol_version, name = _header(pdu)
    value = read_strictly(strict_type(protocol_version, name), pdu)
    header = value["header"]
    station_id = header["stationID"] if "stationID" in header else header["stationId"]
    return Message(name, protocol_version, station_id, value, pdu)


def encode(type_name: str, value: dict[str, Any], protocol_version: int = 2) -> bytes:
    """Write one message and read it again; anything that would not come back as given raises :class:`Refused`."""
    import asn1tools

    schema = specification(protocol_version, type_name)
    try:
        pdu: bytes = schema.encode(type_name, value, check_types=True, check_constraints=True)
    except (asn1tools.Error, KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise Refused("value", f"{type_name}: {type(error).__name__}: {error}") from error
    read = decode(pdu)
    if read.type != type_name or read.protocol_version != protocol_version:
        raise Refused("value", f"the header says {read.type} of protocolVersion {read.protocol_version}")
    place = _difference(value, read.value, type_name)
    if place:
        raise Refused("value", f"{place} would not come back as given")
    return pdu


def _header(pdu: bytes) -> tuple[int, str]:
    if len(pdu) > _LONGEST_BYTES:
        raise Refused("length", f"{len(pdu)} bytes; no message is longer than {_LONGEST_BYTES}")
    if not pdu:
        raise Refused("length", "no bytes")
    if pdu[0] not in PROTOCOL_VERSIONS:  # RULE 1
        raise Refused("header", f"protocolVersion {pdu[0]}; 1 and 2 are known")
    if len(pdu) < _HEADER_BYTES:
        raise Refused("length", f"{len(pdu)} bytes; the header alone has {_HEADER_BYTES}")
    return pdu[0], MESSAGE_NAMES.get(pdu[1], f"messageID {pdu[1]}")


@cache
def _cause_alternatives() -> tuple[str, ...]:
    alternatives = specification(2, "DENM").types["CauseCodeChoice"]._type.root_index_to_member
    return tuple(alternatives[code].name for code in sorted(alternatives))


def _reference_position(name: str, value: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None
    if name == "CAM":
        found = value["cam"]["camParameters"]["basicContainer"]["referencePosition"]
    elif name == "DENM":
        found = value["denm"]["management"]["eventPosition"]
    else:
        parts = value["ivi"].get("optional", ())
        found = next((part["referencePosition"] for kind, part in parts if kind == "glc"), None)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        first, second = value
        if isinstance(first, bytes):
            return f"{int.from_bytes(first, 'big'):0{8 * len(first)}b}"[:second]
        return {first: _plain(second)}
    return value


def _difference(given: Any, read: Any, place: str) -> str:
    """The first place where what was read is not what was given, empty when there is none."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, part in given.items():
            if name not in read:
                return f"{place}.{name}"
            found = _difference(part, read[name], f"{place}.{name}")
            if found:
                return found
        added = [name for name in read if name not in given and read[name] != _DEFAULTS.get(name)]
        return f"{place}.{added[0]}" if added else ""
    if isinstance(given, (list, tuple)) and isinstance(read, (list, tuple)):
        if len(given) != len(read):
            return place
        parts = (_difference(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(zip(given, read, strict=True)))
        return next((found for found in parts if found), "")
    return "" if given == read else place
