"""Write files so that nothing is lost: never half a file, never over the input, never unasked."""

import hashlib
import os
import re
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mask2face.errors import OutputError

# machine, process and chance, so that what a killed process left behind is known for what it is
_PART: Final = re.compile(r"\.mask2face-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.part")
_OLD: Final = 24 * 3600  # s after which no write goes on


def write(data: bytes, path: Path, *, overwrite: bool = False) -> None:
    """Write `data` under a temporary name beside `path`, then rename it.

    Args:
        data: the whole file.
        path: where it goes.
        overwrite: replace a file that is there.

    Raises:
        OutputError: see `check_target`, or writing fails.
    """
    check_target(path, overwrite)
    with renamed(path) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def renamed(path: Path, failures: tuple[type[Exception], ...] = (OSError,)) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it at the end, remove it on failure.

    Args:
        path: where the file goes.
        failures: what is raised where the file cannot be written.

    Raises:
        OutputError: one of `failures`.
    """
    name = f".mask2face-{_machine()}-{os.getpid()}-{secrets.token_hex(6)}.part"
    temporary = path.with_name(name)
    try:
        yield temporary
        temporary.replace(path)
    except failures as error:
        raise OutputError(
            f"{path} cannot be written ({getattr(error, 'strerror', error)}): "
            "check the folder's rights and free space, or choose another output"
        ) from error
    finally:  # also where the user interrupts
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove from `folder` what killed processes wrote half; what others still write is kept.

    These are temporary files of ours whose process on this machine has ended, and those of a day
    ago. Whatever cannot be looked at or removed stays.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _PART.fullmatch(entry.name)
            with suppress(OSError):
                if found and (
                    (found[1] == _machine() and not _runs(int(found[2])))
                    or time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD
                ):
                    Path(entry).unlink()


def _machine() -> str:
    """Return eight digits that differ between machines that may share a folder."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _runs(process: int) -> bool:
    """Say whether a process runs; where that cannot be asked, it may."""
    if sys.platform == "win32":  # os.kill would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def check_target(path: Path, overwrite: bool = False) -> None:
    """Refuse a place where nothing can or may be written, before the work begins.

    Raises:
        OutputError: a folder; something is there, broken links too, and `overwrite` is not set; or
            there is no folder to write into.
    """
    # os.path: pathlib's functions raise where a name is too long or a folder may not be entered
    if os.path.isdir(path):  # noqa: PTH112
        raise OutputError(f"{path} is a folder: name the file to write")
    if os.path.lexists(path) and not overwrite:
        raise OutputError(
            f"{path} exists: choose another output, or replace it (--overwrite, overwrite=True)"
        )
    if not os.path.isdir(path.parent):  # noqa: PTH112
        raise OutputError(f"the folder {path.parent} does not exist: make it first")


def refuse_same(source: Path, target: Path) -> None:
    """Refuse to write onto the input, whatever links and names lead to it.

    Raises:
        OutputError: both paths lead to one file.
    """
    if real(source) == real(target) or _same_inode(source, target):
        raise OutputError(f"{target} is the input itself: choose another output, input is kept")


def real(path: Path) -> Path:
    """Return the absolute path behind all symbolic links; unlike `Path.resolve` it never raises."""
    return Path(os.path.realpath(path))


def all_real(paths: Iterable[Path]) -> set[Path]:
    """Return `real` of each path; quick for thousands, as each folder is looked at once."""
    folders: dict[Path, Path] = {}
    found = set()
    for path in paths:
        if path.name in ("", "..") or os.path.islink(path):  # noqa: PTH114 - never raises
            found.add(real(path))
            continue
        if path.parent not in folders:
            folders[path.parent] = real(path.parent)
        found.add(folders[path.parent] / path.name)
    return found


def _same_inode(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them is not there, or cannot be
        return False
