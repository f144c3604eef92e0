"""A request's body, read within limits and kept in memory only -> the bytes of one photo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"  # of a form
_HOW = "send the photo's bytes with its Content-Type (image/jpeg), or a form: -F file=@in.jpg"


class Uploads:
    """Read bodies, of all requests together not more than `most_held` bytes.

    Args:
        max_bytes: of one.
        seconds: in which one must have arrived.
        most_held: bytes of all bodies in memory.
    """

    def __init__(self, max_bytes: int, seconds: float, most_held: int) -> None:
        self._max_bytes, self._seconds, self._most_held = max_bytes, seconds, most_held
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give the body of a request while the context lasts.

        Raises:
            HTTPException: 408 too slow, 413 too long, 503 too many at once.
            ClientDisconnect: it broke off.
        """
        if _said(request) > self._max_bytes:
            raise self._too_long()
        taken = bytearray()
        try:
            await self._read(request, taken)
            yield bytes(taken)
        finally:
            self._held -= len(taken)

    async def _read(self, request: Request, taken: bytearray) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.stream():
                    taken += chunk
                    self._held += len(chunk)
                    if len(taken) > self._max_bytes:
                        raise self._too_long()
                    if self._held > self._most_held:
                        words = "too many uploads at once: try again"
                        raise HTTPException(503, words, {"Retry-After": "2"})
        except TimeoutError:
            words = f"the upload took more than {self._seconds:g} s: send it faster"
            raise HTTPException(408, words, {"Connection": "close"}) from None

    def _too_long(self) -> HTTPException:
        limit = f"{self._max_bytes / 1024**2:g} MiB"
        return HTTPException(413, f"the upload is longer than {limit}: send less")


def _said(request: Request) -> int:
    """Return how long the request says that its body is; 0 where it does not."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def photo_in(data: bytes, content_type: str) -> bytes:
    """Return the photo's bytes in a body.

    Args:
        data: the body: the photo itself, or a form (multipart) with one photo, named `file`.
        content_type: what the request says it is; empty where it does not.

    Raises:
        HTTPException: 400, the form is broken or another one; 415, of another type.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"multipart/form-data":
        return _only_file(_parts(data, options.get(b"boundary", b"")))
    if kind and not kind.startswith(b"image/") and kind != b"application/octet-stream":
        raise HTTPException(415, f"a body of this Content-Type is not read: {_HOW}")
    return data


def _only_file(parts: list[tuple[str, bytes]]) -> bytes:
    others = [name for name, _ in parts if name != FIELD]
    if others:
        raise HTTPException(
            400, f"the form may hold only {FIELD!r}: options go in the address, as ?faces=largest"
        )
    if len(parts) != 1:
        raise HTTPException(400, f"the form holds {len(parts)} photos, not one: {_HOW}")
    return parts[0][1]


def _parts(data: bytes, boundary: bytes) -> list[tuple[str, bytes]]:
    """Return name and content of each part of a form."""
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(data)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"the form is broken: {_HOW}") from error
    if not boundary or not form.ended:
        raise HTTPException(400, f"the form is cut short: {_HOW}")
    return form.parts


class _Form:
    """Collects what the parser reports; all of it stays in memory."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, bytes]] = []
        self.ended = False
        self._field, self._value, self._name = b"", b"", ""
        self._content = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._name, self._content = "", bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode()
        self._field, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _end(self) -> None:
        self.parts.append((self._name, bytes(self._content)))

    def _all(self) -> None:
        self.ended = True
