"""Do the wavelengths arrive? GNPy carries them along every path of the backbone that our design serves.

GNPy verifies; it does not plan, and with its own equipment library it accepts a span of 40 dB in silence. So the span
loss limit is enforced here first, naming the kilometre; the library is our own; amplifiers are set by our own rule
(``amplifiers.py``), whose closed form stands beside GNPy's answer. GNPy is loaded only when asked for; where it is not
to be had, the closed form answers alone, with less in hand (``closed_form.py``).
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

from trassa.optical.wdm.closed_form import CLOSED_FORM_DB, ClosedForm, closed_osnr_db
from trassa.optical.wdm.equipment import Comb
from trassa.optical.wdm.modes import Channels, Mode, ModeFit, best_mode
from trassa.optical.wdm.topology import element_names, equipment_json, topology_of
from trassa.optical.wdm.wavelengths import Lightpath, WavelengthLine

__all__ = ["PathResult", "Propagator", "Transmission", "check_transmission", "path_result"]

FloatArray = npt.NDArray[np.float64]

_OSNR_DB = 0.3
"""More than the closed form of the amplifiers' noise is ever off; no comb arrives better than it says."""


@dataclass(frozen=True)
class PathResult:
    """What arrives on one path: channels by GNPy or the closed form, our own OSNR and GSNR (channels,) beside them, and
    the fastest mode that closes. ``taken_db`` is what the GSNR is lowered by before it is judged."""

    path: Lightpath
    channels: Channels
    closed_osnr_db: FloatArray
    closed_gsnr_db: FloatArray
    mode: ModeFit | None
    taken_db: float


@dataclass(frozen=True)
class Transmission:
    """What GNPy found on one line, or the closed form where it was not asked, and why. The decibels are those from the
    first hut to the last: mean over channels, 0.1 nm, worse sense.

    ``topology`` and ``equipment`` are GNPy's own JSON, which its command line reads; ``paths`` are all that light may
    take.
    """

    checked: bool
    reason: str
    topology: dict[str, Any]
    equipment: dict[str, Any]
    gsnr_db: float = float("nan")
    least_gsnr_db: float = float("nan")
    osnr_db: float = float("nan")
    closed_osnr_db: float = float("nan")
    latency_us: float = float("nan")
    amplifiers: int = 0
    paths: tuple[PathResult, ...] = ()

    @property
    def weakest(self) -> PathResult:
        """The path on which the least signal arrives."""
        return min(self.paths, key=lambda result: float(result.channels.gsnr_db.min()))


def check_transmission(line: WavelengthLine) -> Transmission:
    """Propagate a full load of channels along every path, at the end of life.

    Raises :class:`InputError` naming the span when one is beyond its limit. Where GNPy is not installed the result
    says so and is that of the closed form.
    """
    line.check_spans()
    topology = topology_of(line)
    if not line.rules.check_transmission:
        return _found(line, topology, ClosedForm(line), "not checked: optical.check_transmission is off")
    if importlib.util.find_spec("gnpy") is None:
        version = ".".join(str(part) for part in sys.version_info[:2])
        reason = f"not checked: GNPy is not installed (it has no release for every Python; this is {version})"
        return _found(line, topology, ClosedForm(line), reason)
    try:
        propagator = Propagator(line, topology)
    except ImportError as missing:
        return _found(line, topology, ClosedForm(line), f"not checked: GNPy does not load here ({missing})")
    return _found(line, topology, propagator)


def _found(
    line: WavelengthLine, topology: dict[str, Any], engine: Propagator | ClosedForm, reason: str = ""
) -> Transmission:
    last, closed = len(line.nodes) - 1, ClosedForm(line)
    ends = [line.path(0, last), line.path(last, 0)]
    whole, back = (engine.along(path, line.library.comb) for path in ends)
    return Transmission(
        not reason,
        reason,
        topology,
        equipment_json(line.rules),
        min(float(way.gsnr_db.mean()) for way in (whole, back)),
        min(float(way.gsnr_db.min()) for way in (whole, back)),
        min(float(way.osnr_db.mean()) for way in (whole, back)),
        min(float(closed_osnr_db(line, path).mean()) for path in ends),
        float(whole.latency_us.mean()),
        sum(len(section.spans) + 1 for section in ends[0].sections),
        tuple(path_result(line, path, engine, closed) for path in line.lightpaths),
    )


def path_result(
    line: WavelengthLine, path: Lightpath, engine: Propagator | ClosedForm, closed: ClosedForm
) -> PathResult:
    """What arrives on one path by one of the engines, the closed form beside it."""

    def received(mode: Mode) -> Channels:
        return engine.along(path, mode.comb(line.library.comb)).over_longer_fibre(path.longer_ratio)

    taken_db = CLOSED_FORM_DB if isinstance(engine, ClosedForm) else 0.0
    beside, osnr_db = closed.along(path, line.library.comb), closed_osnr_db(line, path)
    fit = best_mode(received, line.rules.gsnr_margin_db + taken_db, float(osnr_db.min()) + _OSNR_DB)
    channels = engine.along(path, line.library.comb).over_longer_fibre(path.longer_ratio)
    return PathResult(path, channels, osnr_db, beside.gsnr_db, fit, taken_db)


class Propagator:
    """GNPy with one line loaded and designed; each path is propagated once per comb."""

    def __init__(self, line: WavelengthLine, topology: dict[str, Any]) -> None:
        """Raises ImportError where GNPy does not load."""
        import copy

        from gnpy.tools.json_io import load_equipments_and_configs, network_from_json
        from gnpy.tools.worker_utils import designed_network

        self._line = line
        self._known: dict[tuple[tuple[str, ...], Comb], Channels] = {}
        with _quiet():
            with as_file(files(__package__).joinpath("equipment.json")) as path:
                self._equipment = load_equipments_and_configs(path, [], [])
            self._equipment["Span"]["default"].EOL = line.rules.repair_margin_db
            network = network_from_json(copy.deepcopy(topology), self._equipment)
            ends = [f"trx {line.nodes[index].name}" for index in (0, -1)]
            network, self._request, _ = designed_network(
                self._equipment, network, source=ends[0], destination=ends[1], args_power=None
            )
        self._elements = {element.uid: element for element in network.nodes()}

    def along(self, path: Lightpath, comb: Comb) -> Channels:
        """What arrives of a full comb at the end of a path."""
        key = (element_names(self._line, path), comb)
        if key not in self._known:
            self._known[key] = self._propagated(*key)
        return self._known[key]

    def amplifier(self, name: str) -> tuple[str, float, float]:
        """Type, gain and power of a channel behind it relative to the reference, as GNPy set them; dB."""
        found = self._elements[name]
        return found.params.type_variety, float(found.effective_gain), float(found.delta_p)

    def _propagated(self, names: tuple[str, ...], comb: Comb) -> Channels:
        import copy

        from gnpy.topology.request import propagate

        # elements keep the state of the light that passed them: each path gets copies, made at once
        path = copy.deepcopy([self._elements[name] for name in names])
        request = copy.copy(self._request)
        request.spacing, request.baud_rate = comb.spacing_thz * 1e12, comb.baud_gbd * 1e9
        request.tx_osnr = comb.tx_osnr_db
        with _quiet():
            spectrum = propagate(path, request, self._equipment)
        receiver = path[-1]
        return Channels(
            np.asarray(spectrum.frequency) / 1e12,
            np.asarray(receiver.snr_01nm),
            np.asarray(receiver.osnr_ase_01nm),
            np.asarray(receiver.chromatic_dispersion),
            np.asarray(receiver.pmd),
            np.asarray(receiver.latency) * 1000.0,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """GNPy logs a warning for every untyped ROADM; errors still come through."""
    logger = logging.getLogger("gnpy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
