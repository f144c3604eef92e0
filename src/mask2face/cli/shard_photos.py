"""Photos in tar and Parquet shards -> photo records, for `mask2face dataset build`."""

import glob
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from mask2face.cluster.engine import TRIES, in_order
from mask2face.cluster.members import Member, members
from mask2face.cluster.places import Place, address, is_url
from mask2face.cluster.session import quiet_stdout
from mask2face.cluster.shards import is_shard
from mask2face.datasets import PhotoRecord
from mask2face.datasets.folder import FOLDER
from mask2face.errors import DataError, UsageError


@dataclass(frozen=True, kw_only=True)
class ShardRecord(PhotoRecord):
    """A photo in a shard.

    Attributes:
        shard: its shard's name in the place of the shards.
        member: where it lies there.
    """

    shard: str
    member: Member


def names_shards(root: str) -> bool:
    """Say whether ROOT of `folder=ROOT` is a shard or a glob of them; a folder is not.

    >>> names_shards("s3://bucket/*.tar"), names_shards("tar://::file:///a.tar")
    (True, False)
    """
    return is_shard(root.partition("::")[0]) and (is_url(root) or not Path(root).is_dir())


def place_of(root: str) -> Place:
    """Return the folder below which the shards that `root` names have their names."""
    folder = _split(root)[0]
    return Place(folder if is_url(folder) else str(Path(folder).absolute()))


def records_in_shards(kind: str, root: str, workers: int | None) -> list[PhotoRecord]:
    """List the photos in shards, sorted by name, as if each shard were a folder of its name.

    A photo in a folder of the shard belongs to the person of that folder, in other shards too.
    Those directly in a shard belong to one person together, named like the shard.

    Args:
        kind: of data set.
        root: a shard, or a glob of shards, on this machine or behind a URL.
        workers: as in `cluster.engine.in_order`: shards are read where photos are.

    Raises:
        UsageError: another kind of data set, or a place that cannot be listed.
        DataError: no such shards, no photos in them, or a shard that is broken.
    """
    if kind != FOLDER.name:
        raise UsageError(f"{kind}={root}: only folder=SHARDS is read from shards; unpack them here")
    shards = _found(root)
    if not shards:
        raise DataError(f"no shards at {root!r}: they end in .tar or .parquet")
    top, records = _split(root)[0], list[PhotoRecord]()
    base = address(top) if is_url(top) else Path(top)
    with quiet_stdout():
        listed = list(in_order(_Listing(place_of(root)), shards, workers, lost=_lost))
    for shard, found in zip(shards, listed, strict=True):
        folder = PurePosixPath(shard).with_suffix("")
        for member in found:
            name = (folder / member.name).as_posix()
            person = member.name.partition("/")[0] if "/" in member.name else name.split("/")[0]
            path = base / shard / member.name
            records.append(ShardRecord(path, person, kind, name, shard=shard, member=member))
    if not records:
        raise DataError(f"no photos in the shards {root!r}: in a tar they are KEY.jpg or the like")
    return sorted(records, key=lambda record: record.name)


@dataclass(frozen=True)
class _Listing:
    """What a worker is started with that lists shards."""

    place: Place

    def __call__(self) -> Callable[[str], list[Member]]:
        return lambda shard: members(self.place, shard)


def _lost(shard: str) -> list[Member]:
    raise DataError(f"{shard} ended its worker {TRIES} times: leave it out")


def _split(root: str) -> tuple[str, list[str]]:
    """Return the folder in front of the first wildcard, else of the shard, and the rest."""
    head, chain, behind = root.partition("::")
    parts = (head if is_url(root) else Path(head).as_posix()).split("/")
    magic = [number for number, part in enumerate(parts) if glob.has_magic(part)]
    first = magic[0] if magic else len(parts) - 1
    folder = "/".join(parts[:first]) or ("/" if first else ".")
    return f"{folder}{chain}{behind}", parts[first:]


def _found(root: str) -> list[str]:
    _, pattern = _split(root)
    if not glob.has_magic("/".join(pattern)):
        return ["/".join(pattern)]  # not looked for: an HTTP server has no listing
    named = [(name, name.split("/")) for name in place_of(root).names(len(pattern) > 1)]
    return [
        name
        for name, parts in named
        if is_shard(name) and len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))
    ]
