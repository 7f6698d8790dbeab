"""The parameter blocks of ``.sor`` version 1: no names in front of blocks, fewer fields, events without markers."""

from __future__ import annotations

import struct
from typing import Any

from trassa.errors import InputError
from trassa.optical.otdr.sor_container import Container

__all__ = ["parameters_of"]

_FIXED = (
    "<I2sHiHHIIIHIIiHhHHHH",
    (
        "date_time", "units", "wavelength", "acquisition_offset", "pulse_widths", "pulse_width", "sample_spacing",
        "number_of_data_points", "index_of_refraction", "backscattering_coefficient", "averages", "range",
        "front_panel_offset", "noise_floor_level", "noise_floor_scale", "power_offset", "loss_threshold",
        "reflection_threshold", "end_threshold",
    ),
)  # fmt: skip
_EVENT = struct.Struct("<HIhhi8s")


class _Fields:
    """Reads one block from its beginning; raises where it ends too early."""

    def __init__(self, body: bytes, block: str, name: str) -> None:
        self._body, self._block, self._name, self._at = body, block, name, 0

    def numbers(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        if self._at + size > len(self._body):
            self._broken()
        values = struct.unpack_from(layout, self._body, self._at)
        self._at += size
        return values

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            self._broken()
        value = self._body[self._at : end].decode("latin-1").strip()
        self._at = end + 1
        return value

    def _broken(self) -> None:
        raise InputError(
            f"{self._name}: block {self._block} breaks off at byte {self._at} of {len(self._body)}",
            cure="a complete .sor file",
        )


def parameters_of(container: Container) -> dict[str, dict[str, Any]]:
    """GenParams, SupParams, FxdParams and KeyEvents in the field names and units of otdrparser.

    Only what a trace needs is in it. Raises :class:`InputError` where a block breaks off.
    """
    parameters = {"FxdParams": _fixed(container)}
    if "GenParams" in container.blocks:
        parameters["GenParams"] = _general(container)
    if "SupParams" in container.blocks:
        fields = _Fields(container.block("SupParams"), "SupParams", container.name)
        parameters["SupParams"] = {"supplier_name": fields.text(), "otdr_name": fields.text()}
    if "KeyEvents" in container.blocks:
        parameters["KeyEvents"] = {"events": _events(container)}
    return parameters


def _fixed(container: Container) -> dict[str, Any]:
    layout, names = _FIXED
    fields = _Fields(container.block("FxdParams"), "FxdParams", container.name)
    fixed = dict(zip(names, fields.numbers(layout), strict=True))
    fixed["wavelength"] /= 10.0
    fixed["index_of_refraction"] /= 100_000.0
    fixed["backscattering_coefficient"] *= -0.1
    return fixed


def _general(container: Container) -> dict[str, Any]:
    fields = _Fields(container.block("GenParams"), "GenParams", container.name)
    fields.numbers("<2s")
    cable, fibre = fields.text(), fields.text()
    fields.numbers("<H")
    location_a, location_b, _ = fields.text(), fields.text(), fields.text()
    _, user_offset = fields.numbers("<2si")
    return {
        "cable_id": cable,
        "fiber_id": fibre,
        "location_a": location_a,
        "location_b": location_b,
        "user_offset": user_offset,
    }


def _events(container: Container) -> list[dict[str, Any]]:
    body, name = container.block("KeyEvents"), container.name
    fields = _Fields(body, "KeyEvents", name)
    (count,) = fields.numbers("<H")
    if count * (_EVENT.size + 1) > len(body):
        raise InputError(f"{name}: {count} events in a block of {len(body)} bytes", cure="a complete .sor file")
    events: list[dict[str, Any]] = []
    for _ in range(count):
        _, time, slope, loss, reflectance, code = fields.numbers(_EVENT.format)
        events.append(
            {
                "time_of_travel": time * 0.1,
                "slope": slope * 0.001,
                "splice_loss": loss * 0.001,
                "reflection_loss": reflectance * 0.001,
                "event_type": code.decode("latin-1"),
                "comment": fields.text(),
            }
        )
    return events
