"""`mask2face dataset build --engine ray`: photos and shards of them -> a crop cache."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mask2face.clean import CleanCrop
from mask2face.cleaning import Tools, cleaner
from mask2face.cli.shard_photos import ShardRecord
from mask2face.cluster.engine import TRIES, in_order
from mask2face.cluster.members import MemberReader
from mask2face.cluster.places import NamedBytes, Place, address, is_url
from mask2face.cluster.session import quiet_stdout
from mask2face.crops import CropCache, build
from mask2face.datasets import PhotoRecord
from mask2face.datasets.folder import FOLDER
from mask2face.encoding import READABLE_SUFFIXES
from mask2face.errors import DataError, Mask2FaceError, OutputError, UsageError

_LAST: Final = "meta.json"  # of a cache: where it is, the cache is whole


def records_behind(kind: str, url: str) -> list[PhotoRecord]:
    """List the photos behind a URL as `datasets.folder.photos` lists those of a folder.

    Raises:
        UsageError: another kind of data set, whose own files must be at hand.
        DataError: there are none.
    """
    if kind != FOLDER.name:
        raise UsageError(
            f"{kind}={url}: only folder=URL is read from a URL; copy the data set here"
        )
    root, records = address(url), []
    for name in Place(url).names():
        parts = name.split("/")
        path = root / name
        if path.suffix.lower() in READABLE_SUFFIXES:
            identity = parts[0] if len(parts) > 1 else path.stem
            records.append(PhotoRecord(path, identity, kind, name))
    if not records:
        raise DataError(f"no photos in {url!r}; expected {FOLDER.layout}")
    return sorted(records, key=lambda record: record.name)


@dataclass(frozen=True)
class _Cleaning:
    """What a worker is started with: tools, and where photos lie that are not files here."""

    tools: Tools
    places: dict[str, Place]

    def __call__(self) -> Callable[[PhotoRecord], CleanCrop | str]:
        clean = cleaner(self.tools)
        in_shards = {dataset: MemberReader(place) for dataset, place in self.places.items()}

        def one(record: PhotoRecord) -> CleanCrop | str:
            place = self.places.get(record.dataset)
            if place is None:
                return clean(record)
            if isinstance(record, ShardRecord):
                data = in_shards[record.dataset](record.shard, record.member)
                return clean(record, NamedBytes(data, str(record.path)))
            try:
                data = place.read(record.name)
            except Mask2FaceError as error:
                return f"broken photo: {error}"
            return clean(record, NamedBytes(data, str(record.path)))

        return one


def build_on_ray(
    records: Sequence[PhotoRecord],
    out: str,
    places: dict[str, Place],
    workers: int | None,
    **options: Any,  # noqa: ANN401 - those of `crops.build`
) -> CropCache:
    """Build a crop cache as `crops.build`, its photos cleaned by a Ray cluster's workers.

    Args:
        records: photos.
        out: a folder, or the URL of one, where `meta.json` comes last.
        places: data set -> where its photos are, of those behind URLs, or its shards.
        workers: as in `cluster.engine.in_order`.
        options: see `crops.build`.

    Returns:
        The cache; that of a URL has no folder any more.

    Raises:
        Mask2FaceError: see `crops.build`.
    """

    def clean(chosen: Sequence[PhotoRecord], tools: Tools) -> Iterator[CleanCrop | str]:
        with quiet_stdout():
            yield from in_order(_Cleaning(tools, places), chosen, workers, lost=_lost)

    if not is_url(out):
        return build(records, out, clean=clean, **options)
    goes = Place(out)
    if goes.has_folder():
        raise OutputError(f"{out!r} exists: choose another folder, or remove it first")
    with tempfile.TemporaryDirectory(prefix="mask2face-") as name:
        cache = build(records, Path(name, "crops"), clean=clean, **options)
        for path in sorted(cache.folder.iterdir(), key=lambda path: path.name == _LAST):
            with goes.writer(path.name) as target, path.open("rb") as source:
                shutil.copyfileobj(source, target)
        return cache


def _lost(_record: PhotoRecord) -> str:
    return f"ended its worker: {TRIES} times"
