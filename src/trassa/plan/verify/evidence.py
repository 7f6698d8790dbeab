"""The project folder as it stands, and whether it is the one that the proof was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from trassa.errors import InputError
from trassa.linear import CARRIAGEWAYS, Calibration, Carriageway, LabelInterval, Layer, script_of
from trassa.plan.proof import Proof
from trassa.plan.settings import Settings, read_settings, settings_digest
from trassa.plan.verify.geopackage import read_layers
from trassa.plan.verify.verdict import Row
from trassa.provenance import sha256_of_file

__all__ = ["Evidence", "check_evidence", "read_evidence"]

_ROAD_LAYERS = ("alignment", "label_intervals", "posts", "structures")


@dataclass(frozen=True)
class Evidence:
    """What a project folder holds: settings, the proof, and every layer of plan.gpkg by name."""

    root: Path
    settings: Settings
    proof: Proof
    layers: Mapping[str, Layer]
    calibration: Calibration

    @property
    def ref(self) -> str:
        """The road's number as the plan spells it."""
        return str(self.proof.road.get("ref", self.settings.road.ref))

    @property
    def schematic(self) -> bool:
        """Whether the axis has no geometry to speak of: lengths come from measure."""
        return self.proof.road.get("axis") == "schematic"

    @cached_property
    def carriageways(self) -> tuple[Carriageway, ...]:
        """The carriageways of the alignment, increasing first."""
        named = set(self.layers["alignment"]["carriageway"].tolist())
        return tuple(c for c in CARRIAGEWAYS if c in named)

    def inputs(self, names: list[str]) -> list[Path]:
        """Input files by name; one that is missing is an :class:`InputError`."""
        paths = [self.root / "inputs" / name for name in names]
        for path in paths:
            if not path.is_file():
                raise InputError(f"verify: input {path.name} is missing in {path.parent}", cure=f"copy it to {path}")
        return paths

    def place(self, measure_m: float, carriageway: str = "") -> str:
        """``A 4 km 352+400 →`` of a measure."""
        arrow = {"increasing": " →", "decreasing": " ←"}.get(carriageway, "")
        return f"{self.ref} {self.calibration.text(measure_m)}{arrow}"


def read_evidence(root: Path) -> Evidence:
    """Read settings, proof and layers of a project folder; whatever is missing is an :class:`InputError`."""
    settings = read_settings(root / "trassa.toml")
    proof = Proof.read(root / "proof.json")
    layers = read_layers(root / "plan.gpkg")
    missing = [name for name in _ROAD_LAYERS if name not in layers]
    if missing:
        raise InputError(f"verify: plan.gpkg lacks the layers {', '.join(missing)}", cure=f"trassa run {root}")
    intervals = tuple(LabelInterval(**row) for row in layers["label_intervals"].rows())  # type: ignore[arg-type]
    script = script_of(str(proof.road.get("ref", settings.road.ref)))
    return Evidence(root, settings, proof, layers, Calibration(intervals, script))


def check_evidence(evidence: Evidence) -> list[Row]:
    """Inputs, settings and layers against the hashes that the proof and the manifest record."""
    return [_inputs_row(evidence), _settings_row(evidence), _layers_row(evidence), _promises_row(evidence)]


def _inputs_row(evidence: Evidence) -> Row:
    folder = evidence.root / "inputs"
    try:
        manifest = {row["name"]: row["sha256"] for row in json.loads((folder / "manifest.json").read_text("utf-8"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"verify: {folder / 'manifest.json'} cannot be read ({error})") from None
    proved = {str(source["name"]): str(source["sha256"]) for source in evidence.proof.inputs}
    there = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.name != "manifest.json"}
    wrong = [f"{name} is not the file that the proof read" for name in proved if there.get(name) != proved[name]]
    wrong += [f"{name} is not the file of the manifest" for name in manifest if there.get(name) != manifest[name]]
    unknown = [f"{name} is used but not in the proof" for name in _named(evidence.settings) if name not in proved]
    said = "; ".join(wrong + unknown) or f"{len(proved)} files as recorded"
    return Row("inputs", "", None, "", not (wrong or unknown), None, said)


def _named(settings: Settings) -> list[str]:
    road, pattern = settings.road, settings.radio.antenna.file
    lists = (settings.optical.equipment_list, settings.optical.as_built)
    single = (road.centreline, road.schematic, pattern, *lists)
    return [*road.osm, *settings.terrain.files, *(name for name in single if name)]


def _settings_row(evidence: Evidence) -> Row:
    same = settings_digest(evidence.settings) == evidence.proof.settings_sha256
    return Row("settings", "", None, "", same, None, "as recorded" if same else "trassa.toml was changed after the run")


def _layers_row(evidence: Evidence) -> Row:
    wrong = []
    for claim in evidence.proof.claims:
        for named in claim.evidence:
            layer = evidence.layers.get(named.layer)
            if layer is None:
                wrong.append(f"{named.layer} is missing")
            elif layer.digest() != named.sha256:
                wrong.append(f"{named.layer} is not the layer that {claim.id} was computed from")
    said = "; ".join(dict.fromkeys(wrong)) or f"{len(evidence.layers)} layers read, those of the claims as recorded"
    return Row("layers", "", None, "", not wrong, None, said)


def _promises_row(evidence: Evidence) -> Row:
    """A claim that is left out proves nothing: what trassa.toml promises must be claimed."""
    promised = ["radio.served", "radio.least-cost", "optical.any-cut"]
    if evidence.settings.radio.any_site_down:
        promised.append("radio.served.any-site-down")
    if evidence.settings.radio.with_interference and evidence.settings.radio.rate_down_mbps:
        promised.append("radio.rate.with-interference")
    if evidence.settings.radio.vehicles_per_km * evidence.settings.radio.rate_per_vehicle_mbps > 0.0:
        promised.append("radio.capacity")
    if evidence.settings.radio.longest_outage_s:
        promised.append("radio.trips")
    if evidence.settings.radio.handover.overlap:
        promised.append("radio.handover.overlap")
    if evidence.settings.radio.tunnel.served:
        promised.append("radio.tunnels")
    if evidence.settings.optical.latency_promise_us is not None:
        promised.append("optical.latency")
    claimed = {claim.id for claim in evidence.proof.claims}
    silent = [name for name in promised if name not in claimed]
    said = f"promised but not claimed: {', '.join(silent)}" if silent else f"{len(claimed)} claims, none left out"
    return Row("promises", "", None, "", not silent, None, said)
