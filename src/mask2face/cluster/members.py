"""Where the photos of a shard lie, and one of them read: tar (WebDataset) and Parquet."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Final

from mask2face.cluster.places import Place
from mask2face.cluster.shards import NAMES, files_of, is_photo, open_parquet
from mask2face.decoding import MAX_BYTES
from mask2face.errors import DataError, Mask2FaceError

_BLOCK: Final = 512  # bytes: of a tar's header, and of the zeros at its end
_ROWS: Final = 1024  # names of a Parquet file that are read at a time


@dataclass(frozen=True)
class Member:
    """A photo in a shard.

    Attributes:
        name: in a tar, its member's; in Parquet what the row calls it, else `SHARD-000012`.
        first: of a tar, its first byte; of Parquet, its row group.
        second: of a tar, how many bytes it has; of Parquet, its row in the row group.
    """

    name: str
    first: int
    second: int


def members(place: Place, shard: str) -> list[Member]:
    """List the photos of a shard in its order; hidden files of a tar are left out.

    Args:
        place: where the shard is.
        shard: its name there.

    Raises:
        DataError: it is broken or cannot be read, holds a link, or has no column of photos.
    """
    shown = f"{place.root.rstrip('/')}/{shard}"
    try:
        with place.open(shard) as stream:
            found = (_in_parquet if _is_parquet(shard) else _in_tar)(shown, stream)
            return _distinct(found)
    except Mask2FaceError:
        raise
    except tarfile.TarError as error:
        raise DataError(f"{shown} is no tar file, or broken ({error}): copy it again") from error
    except Exception as error:  # each kind of store has its own
        raise _unreadable(shown, error) from error


class MemberReader:
    """Reads photos of shards; keeps the shard open, and of Parquet the row group, for the next.

    Args:
        place: where the shards are.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._shard: str | None = None
        self._stream: Any = None
        self._file: tuple[Any, str] | None = None
        self._rows: tuple[int, Any] | None = None

    def __call__(self, shard: str, member: Member) -> bytes:
        """Return the bytes of a photo, at most one more than `decoding.MAX_BYTES` of a tar's.

        Raises:
            DataError: the shard cannot be read, or is another one now.
        """
        shown = f"{self._place.root.rstrip('/')}/{shard}"
        try:
            if shard != self._shard:
                self._close()
                self._stream, self._shard = self._place.open(shard), shard
            return (self._row if _is_parquet(shard) else self._piece)(shown, member)
        except Mask2FaceError:
            raise
        except Exception as error:
            self._close()
            raise _unreadable(shown, error) from error

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        self._shard = self._file = self._rows = None
        if stream is not None:
            stream.close()

    def _piece(self, shown: str, member: Member) -> bytes:
        size = min(member.second, MAX_BYTES + 1)
        self._stream.seek(member.first)
        data: bytes = self._stream.read(size)
        if len(data) != size:
            raise DataError(f"{shown} ends within {member.name}: it changed while it was read")
        return data

    def _row(self, shown: str, member: Member) -> bytes:
        if self._file is None:
            self._file = open_parquet(shown, self._stream)[:2]
        file, column = self._file
        if self._rows is None or self._rows[0] != member.first:
            self._rows = None  # two of them are not in memory at a time
            group = file.read_row_group(member.first, columns=[column])
            self._rows = member.first, group.column(column)
        found = self._rows[1][member.second].as_py()
        return (found["bytes"] if isinstance(found, dict) else found) or b""


def _unreadable(shown: str, error: Exception) -> DataError:
    words = f"{type(error).__name__}: {error!s:.200}".rstrip(": ")
    return DataError(f"{shown} cannot be read ({words}): check its name and your rights, copy it")


def _is_parquet(shard: str) -> bool:
    return PurePosixPath(shard).suffix.lower() == ".parquet"


def _distinct(found: Iterator[Member]) -> list[Member]:
    """Give photos their own names, where a shard calls two the same."""
    seen: set[str] = set()
    kept = []
    for number, member in enumerate(found):
        path = PurePosixPath(member.name.lstrip("/"))  # `./p//a.jpg` is p/a.jpg
        path = path if path.name else PurePosixPath(f"{number:06d}")
        name = path.as_posix()
        if name in seen:
            name = path.with_name(f"{path.stem}-{number:06d}{path.suffix}").as_posix()
        seen.add(name)
        kept.append(Member(name, member.first, member.second))
    return kept


def _in_tar(shown: str, stream: IO[bytes]) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode="r:") as tar:  # seeks: photos are not read
        for info in files_of(shown, tar):
            hidden = PurePosixPath(info.name).name.startswith(".")
            if is_photo(info.name) and not hidden:
                yield Member(info.name, info.offset_data, info.size)
        end = tar.offset  # a header that is broken looks like the end
    stream.seek(end)
    if stream.read(_BLOCK) != bytes(_BLOCK):
        raise tarfile.ReadError(f"no header and no end at byte {end}")


def _in_parquet(shown: str, stream: IO[bytes]) -> Iterator[Member]:
    file, column, kind = open_parquet(shown, stream)
    called = next((key for key in NAMES if key in file.schema_arrow.names), None)
    wanted = [] if called is None else [called]
    if hasattr(kind, "get_field_index") and kind.get_field_index("path") >= 0:
        wanted.append(f"{column}.path")
    sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    places = ((group, row) for group, size in enumerate(sizes) for row in range(size))
    names = _row_names(file, wanted, called, column) if wanted else iter([""] * sum(sizes))
    stem = PurePosixPath(shown).stem
    for number, ((group, row), name) in enumerate(zip(places, names, strict=True)):
        yield Member(name or f"{stem}-{number:06d}", group, row)


def _row_names(file: Any, wanted: list[str], called: str | None, column: str) -> Iterator[str]:  # noqa: ANN401
    for rows in file.iter_batches(_ROWS, columns=wanted):
        for row in rows.to_pylist():
            path = (row.get(column) or {}).get("path") if column != called else None
            yield str(path or row.get(called) or "")
