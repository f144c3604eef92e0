"""Where exported files are made: beside their names, which they get all together or not at all."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mask2face import files
from mask2face.errors import OutputError


def check_package(path: Path, overwrite: bool) -> None:
    """Refuse a place where no folder may be made, before any work is done.

    Raises:
        OutputError: something is there and `overwrite` is not set; a file is there; or there is no
            folder for it.
    """
    if not path.is_dir():
        files.check_target(path, overwrite=False)
    elif not overwrite:
        raise OutputError(f"{path} exists already: choose another name or ask to overwrite it")


@contextmanager
def workshop(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`, to rename from; it is removed at the end.

    Raises:
        OutputError: something in it, or `path`, cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            yield Path(folder).resolve()  # Python 3.11 gives a relative path for a relative one
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def place(made: Sequence[Path], paths: Sequence[Path]) -> None:
    """Give files or folders in a `workshop` their names: all of them, or none.

    What has a name already is kept in the workshop until the last one has its own.

    Args:
        made: what is there, on one file system with `paths`.
        paths: the name of each.

    Raises:
        OutputError: a folder has the name of a file, or a file that of a folder.
        OSError: one cannot be moved.
    """
    for source, path in zip(made, paths, strict=True):
        if path.exists() and path.is_dir() != source.is_dir():
            kind = "folder" if path.is_dir() else "file"
            raise OutputError(f"{path} is a {kind}: choose another name, or move it away")
    old = [one.with_name(f"{one.name}.old") for one in made]
    try:
        for source, spare, path in zip(made, old, paths, strict=True):
            if path.exists():
                path.replace(spare)
            source.replace(path)
    except OSError:
        for source, spare, path in zip(made, old, paths, strict=True):
            if not source.exists():
                path.replace(source)
            if spare.exists():
                spare.replace(path)
        raise
