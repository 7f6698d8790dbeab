"""A project folder: trassa.toml, copied inputs with their SHA-256, and what the plan writes beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trassa.errors import ConfigError, InputError
from trassa.plan.folder import FOUNDING, LOCK, founded_folder, replace_text
from trassa.plan.settings import Settings, read_settings
from trassa.plan.toml import toml_text
from trassa.provenance import Source, sha256_of_file

__all__ = ["MANIFEST", "Project", "changed_inputs", "create_project", "open_project", "require_free", "write_manifest"]

MANIFEST = "manifest.json"
OUTPUTS = {
    "proof": "proof.json",
    "geopackage": "plan.gpkg",
    "bom": "bom.xlsx",
    "line": "line.xlsx",
    "report": "report.html",
}


@dataclass(frozen=True)
class Project:
    """An opened project folder."""

    root: Path
    settings: Settings

    @property
    def inputs(self) -> Path:
        """The folder of copied inputs."""
        return self.root / "inputs"

    @property
    def stages(self) -> Path:
        """The folder of the stage store."""
        return self.root / "stages"

    @property
    def outputs(self) -> dict[str, Path]:
        """Where the plan's results stand, by name."""
        return {name: self.root / file for name, file in OUTPUTS.items()}

    def path(self, name: str) -> Path:
        """An input file by the name that trassa.toml gives it."""
        if Path(name).name != name:
            raise ConfigError(f"project: input {name!r} is not the name of a file", cure=f"copy it into {self.inputs}")
        path = self.inputs / name
        if not path.is_file():
            raise InputError(f"project: input {name} is missing in {self.inputs}", cure=f"copy it to {path}")
        return path

    def paths(self, names: Sequence[str]) -> list[Path]:
        """Several input files."""
        return [self.path(name) for name in names]

    def named_inputs(self) -> list[str]:
        """The input files that trassa.toml names."""
        road, terrain = self.settings.road, self.settings.terrain
        pattern, listed = self.settings.radio.antenna.file, self.settings.optical.equipment_list
        built = self.settings.optical.as_built
        single = [name for name in (road.centreline, road.schematic, pattern, listed, built) if name]
        return sorted({*road.osm, *single, *terrain.files})

    def sources(self) -> tuple[Source, ...]:
        """The input files with the SHA-256 they have now."""
        return tuple(Source.of(self.path(name)) for name in self.named_inputs())


def open_project(root: Path) -> Project:
    """Open the project in a folder; an :class:`InputError` where it holds none."""
    if not (root / "trassa.toml").is_file():
        raise InputError(f"project: {root} holds no trassa.toml", cure=f"trassa init {root} --example hills")
    return Project(root, read_settings(root / "trassa.toml"))


def create_project(root: Path, settings: Settings, inputs: Mapping[str, Path]) -> Project:
    """Make a project folder: copy ``inputs`` (name in the project → file) and write settings, all or nothing."""
    require_free(root)
    with founded_folder(root, last="trassa.toml") as fresh:
        (fresh / "inputs").mkdir()
        for name, file in inputs.items():
            if not file.is_file():
                raise InputError(f"project: {file} does not exist", cure="check the path")
            shutil.copyfile(file, fresh / "inputs" / name)
        (fresh / "trassa.toml").write_text(toml_text(settings), "utf-8")
        read_settings(fresh / "trassa.toml")
        (fresh / "inputs" / MANIFEST).write_text(_manifest(fresh / "inputs"), "utf-8")
    return Project(root, settings)


def require_free(root: Path) -> None:
    """An :class:`InputError` where a project cannot be made in ``root``: only an empty or missing folder will do."""
    if (root / "trassa.toml").exists():
        raise InputError(f"project: {root} holds a project already", cure="another folder, or edit its trassa.toml")
    if root.exists() and not root.is_dir():
        raise InputError(f"project: {root} is a file, not a folder", cure="the name of a new folder")
    if root.exists() and any(not path.name.startswith((FOUNDING, LOCK)) for path in root.iterdir()):
        raise InputError(f"project: {root} exists and is not empty", cure="an empty or new folder")


def changed_inputs(project: Project) -> list[str]:
    """The inputs in use that are not those of the manifest, by name, each with what happened to it."""
    before = _recorded(project.inputs / MANIFEST)
    said = []
    for source in project.sources():
        if source.name not in before:
            said.append(f"input {source.name} is new since the last run")
        elif before[source.name] != source.sha256:
            said.append(f"input {source.name} changed since the last run")
    return said


def write_manifest(project: Project) -> None:
    """Bring the manifest in line with the inputs folder; untouched where it is so already."""
    path, now = project.inputs / MANIFEST, _manifest(project.inputs)
    if not path.is_file() or path.read_bytes() != now.encode():
        replace_text(path, now)


def _recorded(manifest: Path) -> dict[str, str]:
    try:
        return {row["name"]: row["sha256"] for row in json.loads(manifest.read_text("utf-8"))}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _manifest(inputs: Path) -> str:
    files = sorted(path for path in inputs.iterdir() if path.name != MANIFEST and path.is_file())
    rows = [asdict(Source(path.name, sha256_of_file(path), path.stat().st_size)) for path in files]
    return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
