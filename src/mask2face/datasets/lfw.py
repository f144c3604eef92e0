"""Labeled Faces in the Wild: one folder a person -> photo records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mask2face.datasets.record import Dataset, PhotoRecord, existing, not_empty, photo_files
from mask2face.errors import DataError

_LAYOUT = "one folder a person: NAME/NAME_0001.jpg, as in lfw-deepfunneled"
FOLDERS: Final = ("lfw-deepfunneled", "lfw_funneled", "lfw-funneled", "lfw")  # of the archives


def photos(root: Path) -> list[PhotoRecord]:
    """List the photos of LFW below `root`; the identity is the name of the person's folder.

    Raises:
        DataError: the folder is missing, holds no `NAME/NAME_0001.jpg`, or holds LFW twice.
    """
    root = existing(Path(root), _LAYOUT)
    records = [
        PhotoRecord(path, folder.name, "lfw", f"{folder.name}/{path.name}")
        for folder, paths in _people(home(root) or root)
        for path in paths
    ]
    return not_empty(records, root, _LAYOUT)


def home(root: Path) -> Path | None:
    """Return the folder with one folder a person: `root`, or what an archive unpacks to below it.

    Raises:
        DataError: there are several, which would show every person twice.
    """
    if any(paths for _, paths in _people(root)):
        return root
    below = [path for name in FOLDERS if (path := root / name).is_dir()]
    found = [folder for path in below if (folder := home(path)) is not None]
    if len(found) > 1:
        names = " and ".join(repr(folder.relative_to(root).as_posix()) for folder in found)
        raise DataError(f"{str(root)!r} holds LFW more than once, in {names}: name one of them")
    return found[0] if found else None


def _people(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each person's folder and photos."""
    for person in root.iterdir():
        if person.is_dir():
            yield person, photo_files(person.glob(f"{_escaped(person.name)}_*"))


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")


LFW = Dataset("lfw", _LAYOUT, photos)
