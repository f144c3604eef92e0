"""What is known of a data set before it is here: mirrors, checksums, terms, layout."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20  # bytes hashed at a time
_DIGITS: Final = {"sha256": 64, "md5": 32}


@dataclass(frozen=True)
class RemoteFile:
    """A file that several servers hold.

    Attributes:
        name: of the file.
        urls: where it is, tried in this order.
        checksum: "sha256:..." or, where nobody has published that, "md5:...": it finds broken
            transfers and other files, but does not withstand a forger.
        size: bytes, where published; an answer of another length is not taken.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str
    size: int | None = None

    def __post_init__(self) -> None:
        algorithm, _, digits = self.checksum.partition(":")
        if _DIGITS.get(algorithm) != len(digits):
            raise ValueError(f"checksum must be sha256:... or md5:..., got {self.checksum!r}")
        if not self.urls:
            raise ValueError(f"{self.name} has no address")

    def matches(self, path: Path) -> bool:
        """Say whether the file at `path` has the checksum."""
        algorithm, _, digits = self.checksum.partition(":")
        found = hashlib.new(algorithm, usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
        return found.hexdigest() == digits


@dataclass(frozen=True)
class Source:
    """A data set that can be fetched.

    Attributes:
        name: its name in `datasets.DATASETS`.
        terms: what its authors allow, one sentence or two.
        editions: which files to download; each edition is an archive of photos, then files that
            belong beside it. The first edition that can be had is taken.
        archives: names of the archives of photos that `--from` looks for in a folder.
        annotations: names of the files that are read beside the photos.
        inside: the folder, below the root of the data set, that the photos are put into.
        home: a folder -> the folder of the photos in it, or None.
        annotation: a folder and a name -> where that annotation is in it, or None.
        by_hand: how to get the data set where no mirror gives it.
    """

    name: str
    terms: str
    editions: tuple[tuple[RemoteFile, ...], ...]
    archives: tuple[str, ...]
    annotations: tuple[str, ...]
    inside: str
    home: Callable[[Path], Path | None]
    annotation: Callable[[Path, str], Path | None]
    by_hand: str
