"""Stable seeds, and identity-disjoint splits: who is in train, validation and test."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Final, Protocol

import numpy as np

SPLITS: Final = ("train", "validation", "test")


class Photo(Protocol):
    """What a split needs to know about a photo."""

    @property
    def identity(self) -> str:
        """Who is in it."""

    @property
    def known(self) -> bool:
        """Whether equal people have equal identities."""


def digest(seed: int, text: str) -> int:
    """Return 64 bits that depend on `seed` and `text` only, the same on every machine.

    >>> digest(0, "AJ_Cook/AJ_Cook_0001.jpg") == digest(0, "AJ_Cook/AJ_Cook_0001.jpg")
    True
    >>> digest(0, "a") == digest(1, "a")
    False
    """
    return int.from_bytes(blake2b(f"{seed}\0{text}".encode(), digest_size=8).digest(), "big")


def fingerprint(lines: Iterable[str]) -> str:
    """Return 16 hex digits that tell one list of texts from another, on every machine alike."""
    return f"{digest(0, chr(10).join(lines)):016x}"


def generator(seed: int, text: str) -> np.random.Generator:
    """Return the random generator of one photo: seeded by `digest(seed, text)`."""
    return np.random.default_rng(digest(seed, text))


def split(
    photos: Sequence[Photo], *, seed: int = 0, test: int = 1000, validation_share: float = 0.2
) -> dict[str, str]:
    """Give every identity to one split.

    People are taken in the order of their digests: into test until it has about `test` photos,
    then into validation until it has its share of the rest; everyone else is in train. Photos
    whose people cannot be told apart are all in train, since the same person may be among them
    twice.

    Args:
        photos: photos with `identity` and `known`.
        seed: of the order of people.
        test: photos wanted in test; exceeded by less than the photos of one person.
        validation_share: of the photos outside test, in [0, 1).

    Returns:
        identity -> "train", "validation" or "test".

    Raises:
        ValueError: `test` is negative or `validation_share` is not in [0, 1).
    """
    if test < 0 or not 0 <= validation_share < 1:
        raise ValueError(
            "expected test >= 0 and 0 <= validation_share < 1, "
            f"got test={test}, validation_share={validation_share}"
        )
    sizes = _sizes(photo.identity for photo in photos if photo.known)
    unknown = {photo.identity for photo in photos if not photo.known}
    people = sorted(sizes.keys() - unknown, key=lambda name: (digest(seed, name), name))
    names = dict.fromkeys([*unknown, *people], "train")
    taken = _take(people, sizes, test)
    names.update(dict.fromkeys(people[:taken], "test"))
    rest = len(photos) - sum(sizes[name] for name in people[:taken])
    people = people[taken:]
    taken = _take(people, sizes, round(validation_share * rest))
    names.update(dict.fromkeys(people[:taken], "validation"))
    return names


def _sizes(identities: Iterable[str]) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for identity in identities:
        sizes[identity] += 1
    return sizes


def _take(people: Sequence[str], sizes: dict[str, int], wanted: int) -> int:
    """Return how many of `people` it takes to reach `wanted` photos."""
    total = 0
    for count, name in enumerate(people):
        if total >= wanted:
            return count
        total += sizes[name]
    return len(people)
