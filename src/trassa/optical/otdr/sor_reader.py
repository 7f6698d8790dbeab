"""``.sor`` files (SR-4731) of versions 1 and 2, as instruments write them rather than as they should.

otdrparser reads the parameter blocks of version 2. It is handed a file put together anew, with these blocks in the
order it needs, within bounds, and without the samples, of which it would make a Python object each.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import otdrparser

from trassa.errors import InputError
from trassa.optical.otdr import sor_version1
from trassa.optical.otdr.sor_container import FILE_LIMIT_BYTES, Container, container_of, levels_of
from trassa.optical.otdr.sor_pulses import evened, with_one_pulse
from trassa.optical.otdr.trace import ReportedEvent, Trace

__all__ = ["read_sor", "trace_of"]

_TICK_NS = 0.1
_SPACING_NS = 1e-5
_LONGEST_NS = 10e6
"""Two thousand kilometres of fibre: whatever is longer is a damaged field."""
_LEAST_REFLECTANCE_DB = -100.0
_KNOWN_FIBRES = range(651, 656)


def read_sor(path: Path) -> Trace:
    """The trace in a file. Raises :class:`InputError` naming the file and what is wrong with it."""
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise InputError(
                f"{path}: {path.stat().st_size} bytes, more than {FILE_LIMIT_BYTES}", cure="one trace per file"
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", cure="name a .sor file") from None
    return trace_of(data, str(path))


def trace_of(data: bytes, name: str) -> Trace:
    """The trace in the bytes of a file; ``name`` stands in messages. Raises :class:`InputError`."""
    container, pieces = with_one_pulse(container_of(data, name))
    level_db = levels_of(container)
    parameters = _version2(container) if container.version == 2 else sor_version1.parameters_of(container)
    general, fixed = parameters.get("GenParams", {}), parameters["FxdParams"]
    supplier = parameters.get("SupParams", {})
    wavelength_nm = float(fixed["wavelength"])
    trace = Trace(
        instrument=" ".join(filter(None, (supplier.get("supplier_name"), supplier.get("otdr_name")))),
        cable=_legible(general.get("cable_id", "")),
        fibre=_legible(general.get("fiber_id", "")),
        location_a=_legible(general.get("location_a", "")),
        location_b=_legible(general.get("location_b", "")),
        unix_time_s=fixed["date_time"],
        wavelength_nm=wavelength_nm * 10.0 if wavelength_nm < 300.0 else wavelength_nm,  # some write 155.0 for 1550
        pulse_ns=float(fixed["pulse_width"]),
        index=fixed["index_of_refraction"],
        backscatter_db=fixed["backscattering_coefficient"],
        sample_spacing_ns=fixed["sample_spacing"] * _SPACING_NS,
        first_sample_ns=(fixed["acquisition_offset"] - fixed["front_panel_offset"]) * _TICK_NS,
        user_offset_ns=general.get("user_offset", 0) * _TICK_NS,
        level_db=evened(level_db, pieces, name) if pieces else level_db,
        events=tuple(_reported(event) for event in parameters.get("KeyEvents", {}).get("events", ())),
        name=name,
    )
    _check(trace, name)
    return trace


def _legible(text: str) -> str:
    """Text that was read as Latin-1 but is UTF-8, which is what newer instruments write."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _version2(container: Container) -> dict[str, dict[str, Any]]:
    blocks = {"FxdParams": container.block("FxdParams"), "DataPts": struct.pack("<IHIH", 0, 1, 0, 1000)}
    blocks |= {block: container.blocks[block] for block in ("SupParams", "KeyEvents") if block in container.blocks}
    if "GenParams" in container.blocks:
        blocks["GenParams"] = _with_known_fibre(container.blocks["GenParams"])
    bodies = [(block.encode("latin-1") + b"\0", body) for block, body in blocks.items()]
    entries = b"".join(head + struct.pack("<HI", 200, len(head) + len(body)) for head, body in bodies)
    head = struct.pack("<4sHIH", b"Map\0", 200, 12 + len(entries), 1 + len(bodies))
    file = io.BytesIO(head + entries + b"".join(head + body for head, body in bodies))
    try:
        parsed: dict[str, dict[str, Any]] = otdrparser.parse2(file)
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise InputError(f"{container.name}: {error}", cure="export the trace again as SR-4731 (.sor)") from None
    return parsed


def _with_known_fibre(general: bytes) -> bytes:
    """otdrparser looks for one of the five fibre types it knows and reads on from there: G.657 would lose it."""
    at = 2
    for _ in ("cable", "fibre"):
        at = general.find(b"\0", at) + 1
        if at == 0:
            return general
    if at + 2 > len(general) or not 600 <= int.from_bytes(general[at : at + 2], "little") < 700:
        return general
    known = int.from_bytes(general[at : at + 2], "little") in _KNOWN_FIBRES
    return general if known else general[:at] + b"\0\0" + general[at + 2 :]


def _reported(event: dict[str, Any]) -> ReportedEvent:
    size_db = abs(float(event["reflection_loss"]))  # some write it positive; 0 and the least number stand for none
    reflectance_db = -size_db if 0.0 < size_db < -_LEAST_REFLECTANCE_DB else None
    return ReportedEvent(
        time_ns=event["time_of_travel"],
        loss_db=event["splice_loss"],
        slope_db_per_km=event["slope"],
        reflectance_db=reflectance_db,
        code=event["event_type"],
        comment=event["comment"],
    )


def _check(trace: Trace, name: str) -> None:
    length_ns = trace.sample_spacing_ns * trace.level_db.size
    bounds = (
        ("group index", trace.index, 1.4, 1.55),
        ("wavelength, nm", trace.wavelength_nm, 600.0, 1700.0),
        ("pulse, ns", trace.pulse_ns, 1.0, 65_535.0),
        ("sample spacing, ns", trace.sample_spacing_ns, 1e-3, 1e4),
        ("length of the trace, ns", length_ns, 1.0, _LONGEST_NS),
        ("first sample, ns", trace.first_sample_ns, -length_ns, length_ns),
        ("user offset, ns", trace.user_offset_ns, -length_ns, length_ns),
    )
    for thing, value, low, high in bounds:
        if not low <= value <= high:
            raise InputError(
                f"{name}: {thing} {value:g} lies outside {low:g}..{high:g}", cure="export the trace again as SR-4731"
            )
