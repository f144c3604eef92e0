"""Any folder of photos -> photo records."""

from pathlib import Path

from mask2face.datasets.record import Dataset, PhotoRecord, existing, not_empty, photo_files

_LAYOUT = "photos in the folder, or one sub-folder a person: PERSON/any/name.jpg"


def photos(root: Path) -> list[PhotoRecord]:
    """List every photo below `root`, sub-folders included.

    A photo in a sub-folder belongs to the person of the first sub-folder. A photo that stands
    directly in `root` is taken for a person of its own, named like the file: two photos of one
    person there may be in two splits.

    Raises:
        DataError: the folder is missing or holds no photo.
    """
    root = existing(Path(root), _LAYOUT)
    records = []
    for path in photo_files(root.rglob("*")):
        parts = path.relative_to(root).parts
        identity = parts[0] if len(parts) > 1 else path.stem
        records.append(PhotoRecord(path, identity, "folder", "/".join(parts)))
    return not_empty(records, root, _LAYOUT)


FOLDER = Dataset("folder", _LAYOUT, photos)
