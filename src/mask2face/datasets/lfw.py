"""Labeled Faces in the Wild: one folder a person -> photo records."""

from pathlib import Path

from mask2face.datasets.record import Dataset, PhotoRecord, existing, not_empty, photo_files

_LAYOUT = "one folder a person: NAME/NAME_0001.jpg, as in lfw-deepfunneled"


def photos(root: Path) -> list[PhotoRecord]:
    """List the photos of LFW below `root`; the identity is the name of the person's folder.

    Raises:
        DataError: the folder is missing or holds no `NAME/NAME_0001.jpg`.
    """
    root = existing(Path(root), _LAYOUT)
    records = [
        PhotoRecord(path, person.name, "lfw", f"{person.name}/{path.name}")
        for person in root.iterdir()
        if person.is_dir()
        for path in photo_files(person.glob(f"{_escaped(person.name)}_*"))
    ]
    return not_empty(records, root, _LAYOUT)


def _escaped(name: str) -> str:
    return name.replace("[", "[[]")


LFW = Dataset("lfw", _LAYOUT, photos)
