"""Writing so that nothing is ever half-written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trassa.errors import InputError

__all__ = [
    "FOUNDING",
    "LOCK",
    "founded_folder",
    "only_writer",
    "replace_text",
    "staged_folder",
    "staged_outputs",
    "writable",
]

FOUNDING = ".founding-"
"""How the name of a folder begins in which a project is being made."""
LOCK = ".lock"
"""The file that a writer of a project holds; it stays there, what counts is the lock of the operating system."""
_OUTPUTS = ".outputs-"


@contextlib.contextmanager
def writable(place: Path) -> Iterator[None]:
    """Turn what the file system refuses (no room, no right) into one clear error about ``place``."""
    try:
        yield
    except OSError as error:
        said = error.strerror or str(error)
        raise InputError(
            f"cannot write {place}: {said}; what was there before is intact",
            cure="free some space, or a folder that you may write to",
        ) from error


@contextlib.contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A fresh folder beside ``target`` that takes its place when the block ends well, and vanishes when it does not."""
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        fresh.chmod(0o755)
    try:
        with writable(target):
            yield fresh
            old = fresh.with_name(fresh.name + "-old")
            if target.exists():
                target.rename(old)
            fresh.rename(target)
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextlib.contextmanager
def founded_folder(root: Path, last: str) -> Iterator[Path]:
    """A fresh folder whose content moves up into ``root`` when the block ends well, the file ``last`` after all else.

    ``root`` may be the current folder of a shell, so it is filled and never replaced; it is made where it is missing.
    """
    there = root.is_dir()
    with writable(root):
        root.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=FOUNDING, dir=root))
    try:
        with writable(root):
            yield fresh
            for item in sorted(fresh.iterdir(), key=lambda item: (item.name == last, item.name)):
                item.rename(root / item.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if not there:
            with contextlib.suppress(OSError):
                root.rmdir()


@contextlib.contextmanager
def staged_outputs(root: Path) -> Iterator[Path]:
    """A folder for new output files; when the block ends well, each replaces its namesake in ``root``."""
    with writable(root):
        fresh = Path(tempfile.mkdtemp(prefix=_OUTPUTS, dir=root))
    try:
        with writable(root):
            yield fresh
            for file in sorted(fresh.iterdir()):
                file.chmod(0o644)
                os.replace(file, root / file.name)
    except InputError as error:
        message = error.message.replace(str(fresh), str(root))
        intact = "" if "is intact" in message else "; what was there before is intact"
        raise InputError(f"{message}{intact}", cure=error.cure) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text file so that either the old or the new one stands there."""
    rough = path.with_name(f".{path.name}.new")
    try:
        with writable(path):
            rough.write_text(text, "utf-8")
            os.replace(rough, path)
    finally:
        rough.unlink(missing_ok=True)


@contextlib.contextmanager
def only_writer(root: Path) -> Iterator[None]:
    """Hold the project in ``root`` alone while the block runs; what a killed writer left half-written goes first.

    :raises InputError: another process holds it. The lock ends with its process, however that ends.
    """
    with writable(root):
        held = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(held, 20, 0).decode("ascii", "replace").strip()
            raise InputError(
                f"project: {root} is being planned by another trassa{f' (process {other})' if other else ''}",
                cure="the same command when it has ended",
            ) from None
        with contextlib.suppress(OSError):
            os.ftruncate(held, 0)
            os.pwrite(held, str(os.getpid()).encode(), 0)
        _sweep(root)
        yield
    finally:
        os.close(held)


def _sweep(root: Path) -> None:
    """Remove what processes that were killed have left behind."""
    for left in [*root.glob(f"{FOUNDING}*"), *root.glob(f"{_OUTPUTS}*"), *(root / "stages").glob(".*-*")]:
        shutil.rmtree(left, ignore_errors=True)
