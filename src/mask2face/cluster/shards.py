"""Shards of photos: WebDataset (tar) or Parquet in, the same kind out, photo by photo.

A sample is one row, or what one key of a tar holds. Only its photo changes, and its photo's name
where the format asks for another suffix. A sample whose photo gives no result is left out.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from typing import IO, Any, Final

from mask2face.encoding import READABLE_SUFFIXES
from mask2face.errors import DataError

SUFFIXES: Final = (".tar", ".parquet")
_ROWS: Final = 16  # of a Parquet file that are in memory at a time, before and after
_COLUMNS: Final = ("image", "jpg", "jpeg", "png", "webp", "photo", "bytes", "content")
NAMES: Final = ("path", "file_name", "filename", "name", "__key__", "key", "id")


@dataclass(frozen=True)
class Picture:
    """A photo in a shard.

    Attributes:
        name: in a tar, its member's; in Parquet what the row calls it, else `SHARD-000012`.
        data: the file.
    """

    name: str
    data: bytes


Change = Callable[[Picture], Picture | None]
"""A photo -> its result with its name, or None for none."""


def is_shard(name: str) -> bool:
    """Say whether a file's name is that of a shard."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def rewrite(name: str, source: IO[bytes], target: IO[bytes], change: Change) -> None:
    """Read a shard, change its photos one after the other, and write it.

    The same input gives the same bytes: members of a tar have no time and no owner.

    Args:
        name: of the shard, whose suffix says what it is.
        source: the shard.
        target: where it goes.
        change: what is done to a photo.

    Raises:
        DataError: it is broken, or a Parquet file without a column of photos.
    """
    parquet = PurePosixPath(name).suffix.lower() == ".parquet"
    (_parquet if parquet else _tar)(name, source, target, change)


def _tar(name: str, source: IO[bytes], target: IO[bytes], change: Change) -> None:
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as out:
        for sample in _samples(name, source):
            changed = [_member(info.name, data, change) for info, data in sample]
            for picture in changed if None not in changed else ():
                if picture is not None:
                    info = tarfile.TarInfo(picture.name)
                    info.size = len(picture.data)
                    out.addfile(info, io.BytesIO(picture.data))


def _member(name: str, data: bytes, change: Change) -> Picture | None:
    picture = Picture(name, data)
    return change(picture) if is_photo(name) else picture


def _samples(name: str, source: IO[bytes]) -> Iterator[list[tuple[tarfile.TarInfo, bytes]]]:
    """Yield the members of each key, which stand together."""
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for _, members in groupby(files_of(name, tar), lambda member: _key(member.name)):
                yield [(info, _bytes(tar, info)) for info in members]
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{name} is no tar file, or broken ({error}): copy it again") from error


def files_of(name: str, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the files of a shard.

    Raises:
        DataError: one is a link.
    """
    for info in tar:
        if info.islnk() or info.issym():
            how = "pack what it leads to, as `tar -h --hard-dereference` does"
            raise DataError(f"{info.name} in {name} is a link, which is not followed: {how}")
        if info.isfile():
            yield info


def _bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    data = b"" if file is None else file.read()
    if len(data) != info.size:
        raise tarfile.ReadError(f"{info.name} ends too early")
    return data


def _key(name: str) -> str:
    """Return WebDataset's key: the path up to the first dot of the file's name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def is_photo(name: str) -> bool:
    """Say whether a member is the photo of its sample; `key.seg.png` is something about it."""
    return name[len(_key(name)) :].lower() in READABLE_SUFFIXES


def _parquet(name: str, source: IO[bytes], target: IO[bytes], change: Change) -> None:
    import pyarrow
    from pyarrow import parquet

    file, column, _ = open_parquet(name, source)
    schema = file.schema_arrow
    with parquet.ParquetWriter(target, schema) as out:
        for rows, first in _batches(name, file):
            changed = [change(picture) for picture in _in_rows(name, rows, column, first)]
            kept = [picture is not None for picture in changed]
            rows = rows.filter(pyarrow.array(kept))
            values = _values(rows, column, [picture for picture in changed if picture is not None])
            index = schema.get_field_index(column)
            array = pyarrow.array(values, schema.field(column).type)
            out.write_batch(rows.set_column(index, schema.field(column), array))


def open_parquet(name: str, source: IO[bytes]) -> tuple[Any, str, Any]:
    """Return the file, the name of its column of photos and that column's type."""
    import pyarrow
    from pyarrow import parquet, types

    try:
        file = parquet.ParquetFile(source)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{name} is no Parquet file, or broken ({error}): copy it again") from error
    fields = {field.name: field.type for field in file.schema_arrow}

    def holds_photos(kind: Any) -> bool:  # noqa: ANN401
        if types.is_struct(kind):  # as Hugging Face's `datasets` has it
            return bool(kind.get_field_index("bytes") >= 0)
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    found = [key for key, kind in fields.items() if holds_photos(kind)]
    chosen = [key for key in _COLUMNS if key in found] or (found if len(found) == 1 else [])
    if not chosen:
        raise DataError(
            f"{name} has no column of photos: expected bytes, or a struct with bytes, in one of "
            f"{', '.join(_COLUMNS)}; it has {', '.join(fields)}"
        )
    return file, chosen[0], fields[chosen[0]]


def _batches(name: str, file: Any) -> Iterator[tuple[Any, int]]:  # noqa: ANN401
    """Yield a few rows at a time, and the number of the first of them."""
    import pyarrow

    first = 0
    try:
        for rows in file.iter_batches(_ROWS):
            yield rows, first
            first += len(rows)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{name} is broken ({error}): copy it again") from error


def _in_rows(name: str, rows: Any, column: str, first: int) -> Iterator[Picture]:  # noqa: ANN401
    """Yield the photo of each row; one that is not there is empty."""
    called = next((rows.column(key) for key in NAMES if key in rows.schema.names), None)
    shard = PurePosixPath(name).stem  # what is drawn depends on the name: not the same in each
    for index, value in enumerate(rows.column(column)):
        found = value.as_py()
        path = "" if called is None else str(called[index].as_py() or "")
        if isinstance(found, dict):
            path, found = found.get("path") or path, found["bytes"]
        yield Picture(path or f"{shard}-{first + index:06d}", found or b"")


def _values(rows: Any, column: str, changed: list[Picture]) -> list[Any]:  # noqa: ANN401
    """Return what the column holds now: bytes, or the struct with other bytes."""
    before = [value.as_py() for value in rows.column(column)]
    return [
        {**old, "bytes": new.data, **({"path": new.name} if old.get("path") else {})}
        if isinstance(old, dict)
        else new.data
        for old, new in zip(before, changed, strict=True)
    ]
