"""Write files so that nothing is lost: never half a file, never over the input, never unasked."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mask2face.errors import OutputError


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
    temporary = path.with_name(f".mask2face-{secrets.token_hex(6)}.part")
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


def _same_inode(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them is not there, or cannot be
        return False
