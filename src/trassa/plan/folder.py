"""Writing so that nothing is ever half-written."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trassa.errors import InputError

__all__ = ["staged_folder", "staged_outputs", "writable"]


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
def staged_outputs(root: Path) -> Iterator[Path]:
    """A folder for new output files; when the block ends well, each replaces its namesake in ``root``."""
    with writable(root):
        fresh = Path(tempfile.mkdtemp(prefix=".outputs-", dir=root))
    try:
        with writable(root):
            yield fresh
            for file in sorted(fresh.iterdir()):
                file.chmod(0o644)
                os.replace(file, root / file.name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
