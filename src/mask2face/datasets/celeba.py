"""CelebA, aligned and cropped: numbered photos and what CelebA says of them -> photo records."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from mask2face.datasets.record import Dataset, PhotoRecord, existing, not_empty, photo_files
from mask2face.errors import DataError

_LAYOUT = (
    "img_align_celeba/000001.jpg and, to know who is who, identity_CelebA.txt beside that folder"
)
IDENTITIES: Final = "identity_CelebA.txt"
PARTITIONS: Final = "list_eval_partition.txt"
LANDMARKS: Final = "list_landmarks_align_celeba.txt"
ANNOTATIONS: Final = (IDENTITIES, PARTITIONS, LANDMARKS)  # all that we read
PHOTOS: Final = "img_align_celeba"
_SPLITS: Final = {"0": "train", "1": "validation", "2": "test"}
_EXAMPLES: Final = {
    IDENTITIES: "a file name and an identity, as in '000001.jpg 2880'",
    PARTITIONS: "a file name and 0 (train), 1 (validation) or 2 (test), as in '000001.jpg 0'",
    LANDMARKS: "a file name and the x and y of five points, as in '000001.jpg 69 109 106 113 ...'",
}

T = TypeVar("T")


def photos(root: Path) -> list[PhotoRecord]:
    """List the photos of CelebA below `root`.

    The photos stand in `img_align_celeba` or, as CelebA hands them out, `Img/img_align_celeba`.
    The files that say more stand in `root`, `Anno` or `Eval`; each may be missing:
    `identity_CelebA.txt` (lines `000001.jpg 2880`) gives the identity `celeba/person/2880`;
    without it each photo has an identity of its own, `celeba/000001`, marked as not known.
    `list_eval_partition.txt` gives the partition, `list_landmarks_align_celeba.txt` the eyes.

    Raises:
        DataError: the folder is missing or empty, or a line or a photo is missing from one of
            the files.
    """
    root = existing(Path(root), _LAYOUT)
    people = _table(root, IDENTITIES, _identity)
    partitions = _table(root, PARTITIONS, _partition)
    eyes = _table(root, LANDMARKS, _eyes)
    folder = home(root)
    files = photo_files(folder.iterdir()) if folder else []
    tables: dict[str, Mapping[str, object]]
    tables = {IDENTITIES: people, PARTITIONS: partitions, LANDMARKS: eyes}
    for name, table in tables.items():
        _complete(table, name, files)
    records = [
        PhotoRecord(
            path,
            people.get(path.name, f"celeba/{path.stem}"),
            "celeba",
            f"{PHOTOS}/{path.name}",
            known=bool(people),
            partition=partitions.get(path.name),
            eyes=eyes.get(path.name),
        )
        for path in files
    ]
    return not_empty(records, root, _LAYOUT)


def home(root: Path) -> Path | None:
    """Return the folder of the photos below `root`, also where an archive packs it in itself."""
    for place in (root / PHOTOS, root / "Img" / PHOTOS, root / PHOTOS / PHOTOS):
        if place.is_dir() and any(photo_files([path]) for path in place.iterdir()):
            return place
    return None


def annotation(root: Path, name: str) -> Path | None:
    """Return the file `name` in `root`, `Anno` or `Eval`, where CelebA keeps it; None without."""
    places = (root / name, root / "Anno" / name, root / "Eval" / name)
    return next((place for place in places if place.is_file()), None)


def _table(root: Path, name: str, read: Callable[[list[str]], T | None]) -> dict[str, T]:
    """Read lines of a photo and its words; `read` returns None for words it cannot take."""
    path = annotation(root, name)
    if path is None:
        return {}
    table: dict[str, T] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or (number <= 2 and "." not in words[0]):  # count and names of columns
            continue
        value = read(words[1:])
        if value is None:
            raise DataError(f"line {number} of {name} is {line!r}; expected {_EXAMPLES[name]}")
        table[words[0]] = value
    if not table:
        raise DataError(f"{name} is empty: remove it to go without")
    return table


def _identity(words: list[str]) -> str | None:
    return f"celeba/person/{words[0]}" if len(words) == 1 else None


def _partition(words: list[str]) -> str | None:
    return _SPLITS.get(words[0]) if len(words) == 1 else None


def _eyes(words: list[str]) -> tuple[float, float, float, float] | None:
    """Return the first two points; CelebA's "left" eye is the one at image left."""
    try:
        left_x, left_y, right_x, right_y, *rest = map(float, words)
    except ValueError:
        return None
    return (left_x, left_y, right_x, right_y) if len(rest) == 6 else None


def _complete(table: Mapping[str, object], name: str, files: list[Path]) -> None:
    lost = [path.name for path in files if path.name not in table] if table else []
    if lost:
        raise DataError(
            f"{name} has no line for {lost[0]!r} ({len(lost)} photos in all): "
            "complete the file, or remove it to go without"
        )


CELEBA = Dataset("celeba", _LAYOUT, photos)
