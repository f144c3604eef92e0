"""What a data set gives: records of photos and of who is in them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mask2face.errors import DataError
from mask2face.photos import READABLE_SUFFIXES


@dataclass(frozen=True, order=True)
class PhotoRecord:
    """One photo of a data set.

    Attributes:
        path: the file.
        identity: who is in it; equal strings mean the same person.
        dataset: registry name of the data set.
        name: the path below the root of the data set with `/`, the same on every machine.
        known: whether `identity` tells people apart; where it does not, two records with
            different identities may show the same person.
        partition: the data set's own split, "train", "validation" or "test", whose people are
            apart; None where it has none.
        eyes: the data set's own x, y of the eye at image left and x, y of the eye at image
            right, px of the photo; None where it has none.
    """

    path: Path
    identity: str
    dataset: str
    name: str
    known: bool = True
    partition: str | None = None
    eyes: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if not self.identity or not self.dataset or not self.name:
            raise ValueError(f"identity, dataset and name must not be empty, got {self!r}")


@dataclass(frozen=True)
class Dataset:
    """A kind of data set: its name, the layout it expects, and how its photos are listed.

    Attributes:
        name: the registry name, also written into every record.
        layout: where the photos must stand, for error messages.
        photos: root folder -> records sorted by name; raises `DataError`.
    """

    name: str
    layout: str
    photos: Callable[[Path], list[PhotoRecord]]


def photo_files(paths: Iterable[Path]) -> list[Path]:
    """Return the photos among `paths`, by extension, sorted, without hidden files."""
    return sorted(
        path
        for path in paths
        if path.suffix.lower() in READABLE_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    )


def existing(root: Path, layout: str) -> Path:
    """Return `root` if it is a folder.

    Raises:
        DataError: it is not there or not a folder; the message says which layout is expected.
    """
    if not root.is_dir():
        state = "is not a folder" if root.exists() else "does not exist"
        raise DataError(f"data set folder {str(root)!r} {state}; expected {layout}")
    return root


def not_empty(records: list[PhotoRecord], root: Path, layout: str) -> list[PhotoRecord]:
    """Return `records` sorted by name.

    Raises:
        DataError: there are none; the message says which layout is expected.
    """
    if not records:
        raise DataError(f"no photos in {str(root)!r}; expected {layout}")
    return sorted(records, key=lambda record: record.name)


def official_splits(records: Iterable[PhotoRecord], wanted: bool) -> dict[str, str]:
    """Return the split of each person whom the data set's own partition places.

    Args:
        records: photos of one or more data sets.
        wanted: place people who are known, too, and not only those who cannot be told apart.

    Returns:
        identity -> "train", "validation" or "test".

    Raises:
        DataError: one person is in two splits, or `wanted` and no photo has a partition.
    """
    splits: dict[str, str] = {}
    for record in records:
        if record.partition is None or (record.known and not wanted):
            continue
        if splits.setdefault(record.identity, record.partition) != record.partition:
            raise DataError(
                f"the partition of {record.dataset} puts {record.identity!r} in "
                f"{splits[record.identity]} and {record.partition}: correct it, or do without the "
                "official split"
            )
    if wanted and not splits:
        raise DataError(
            "there is no official split: of the data sets only CelebA has one, in "
            "list_eval_partition.txt; add that file, or do without the official split"
        )
    return splits
