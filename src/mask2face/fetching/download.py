"""A remote file -> the same file here, resumed where it broke off, from whichever mirror has it."""

import http.client
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from mask2face.errors import DataError, OutputError
from mask2face.fetching.source import RemoteFile
from mask2face.progress import track

TIMEOUT: Final = 30.0  # s without an answer or a byte
_BLOCK: Final = 1 << 20  # bytes: 1 MiB, the unit of the progress bar
_TRIES: Final = 4  # of one mirror, each going on where the last one broke off
_LARGEST: Final = 8 << 30  # bytes; no archive of photos that we know is larger
_SPARE: Final = 64 << 20  # bytes of disk left free


class _MirrorError(Exception):
    """This mirror does not give the file; the message says why."""


class _BrokenOffError(_MirrorError):
    """The transfer ended too early: asking again goes on from there."""


def download(file: RemoteFile, folder: Path, timeout: float = TIMEOUT) -> Path:
    """Return the path of `file` in `folder`, downloaded unless it is there.

    The bytes come into `NAME.part` and get their name when the checksum is right; what a killed
    process left there is continued with an HTTP range request, or begun anew where the server
    knows no ranges. A mirror that fails or gives something else makes way for the next.

    Args:
        file: what to get.
        folder: an existing folder.
        timeout: s without an answer or a byte.

    Raises:
        DataError: no mirror gives the file; the message has each one's reason.
        OutputError: the disk is full or the folder cannot be written.
    """
    target = folder / file.name
    if target.is_file() and file.matches(target):
        return target
    part = folder / f"{file.name}.part"
    reasons = []
    for url in file.urls:
        try:
            _from_mirror(url, file, part, timeout)
        except _MirrorError as error:
            reasons.append(f"{url}: {error}")
            continue
        part.replace(target)
        return target
    raise DataError(f"no mirror gives {file.name}:\n  " + "\n  ".join(reasons))


def _from_mirror(url: str, file: RemoteFile, part: Path, timeout: float) -> None:
    """Fill `part` from one mirror until its checksum is right."""
    for attempt in range(_TRIES):
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, file, part, before, timeout)
        except _BrokenOffError:
            got_on = part.exists() and part.stat().st_size > before
            if attempt + 1 == _TRIES or not got_on:
                raise
            continue
        if file.matches(part):
            return
        part.unlink()
        if not before:  # else the first bytes may be another mirror's: once more, from the start
            raise _MirrorError("gives another file: the checksum is wrong")
    raise _MirrorError("gives another file: the checksum is wrong")


def _transfer(url: str, file: RemoteFile, part: Path, begin: int, timeout: float) -> None:
    """Write the bytes from `begin` on to `part`, or all of them if the server cannot do that."""
    headers = {"User-Agent": "mask2face", "Accept-Encoding": "identity"}
    if begin:
        headers["Range"] = f"bytes={begin}-"
    try:
        with urlopen(Request(url, headers=headers), timeout=timeout) as answer:
            if begin and not _continues(answer, begin):
                begin = 0
            left = _length(answer, file, begin, part)
            with part.open("ab" if begin else "wb") as out:
                _copy(answer, out, left, file.name)
    except HTTPError as error:
        error.close()
        if error.code == 416 and begin:  # nothing comes after what is here
            return
        raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
    except URLError as error:  # no such host, refused, no certificate
        raise _MirrorError(str(error.reason)) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise _BrokenOffError(str(error) or type(error).__name__) from error
    except OSError as error:
        raise OutputError(f"cannot write {str(part)!r}: {error}") from error


def _continues(answer: Any, begin: int) -> bool:  # noqa: ANN401 - urlopen's answer has no type
    found = str(answer.headers.get("Content-Range", ""))
    return answer.status == 206 and found.startswith(f"bytes {begin}-")


def _length(answer: Any, file: RemoteFile, begin: int, part: Path) -> int | None:  # noqa: ANN401
    """Return how many bytes come, if the server says so and they are welcome."""
    if answer.headers.get_content_type() == "text/html":
        raise _MirrorError("answers with a web page (a quota, a log-in or a moved site)")
    text = answer.headers.get("Content-Length")
    if text is None or not text.isdecimal():
        return None
    left = int(text)
    if begin + left > _LARGEST or file.size not in (None, begin + left):
        raise _MirrorError(f"gives another file: {begin + left} bytes instead of {file.size}")
    free = shutil.disk_usage(part.parent).free
    if left + _SPARE > free:
        raise OutputError(
            f"the disk of {str(part.parent)!r} has {free >> 20} MiB free, {file.name} needs "
            f"{(left + _SPARE) >> 20} MiB: make room, or choose another disk"
        )
    return left


def _copy(answer: Any, out: IO[bytes], left: int | None, name: str) -> None:  # noqa: ANN401
    blocks = _blocks(answer)
    total = -((left or 0) // -_BLOCK)
    written = 0
    for block in track(blocks, total, f"{name}, MiB") if total else blocks:
        written += out.write(block)
        if written > _LARGEST:
            raise _MirrorError(f"gives more than {_LARGEST >> 30} GiB")
    if left is not None and written < left:
        raise _BrokenOffError(f"broke off after {written} of {left} bytes")


def _blocks(answer: Any) -> Iterator[bytes]:  # noqa: ANN401
    while block := answer.read(_BLOCK):
        yield block
