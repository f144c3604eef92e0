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
    async def body(self, request: Request) -> AsyncIterator[bytearray]:
        """Give the body of a request; it counts as held while the context lasts, emptied or not.

        Raises:
            HTTPException: 408 too slow, 413 too long, 503 too many at once.
            ClientDisconnect: it broke off.
        """
        if _said(request) > self._max_bytes:
            raise self._too_long()
        taken, size = bytearray(), 0
        try:
            await self._read(request, taken)
            size = len(taken)
            yield taken
        finally:
            self._held -= max(size, len(taken))

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


def photo_in(body: bytearray, content_type: str) -> bytes:
    """Take the photo's bytes out of a body, which is empty then: no second copy is kept.

    A hostile form takes its time: not for the event loop.

    Args:
        body: the photo itself, or a form (multipart) with one photo, named `file`.
        content_type: what the request says it is; empty where it does not.

    Raises:
        HTTPException: 400, the form is broken or another one; 415, of another type.
    """
    kind, options = parse_options_header(content_type)
    is_form = kind == b"multipart/form-data"
    is_photo = kind.startswith(b"image/") or kind in (b"", b"application/octet-stream")
    if not is_form and not is_photo:
        raise HTTPException(415, f"a body of this Content-Type is not read: {_HOW}")
    data = bytes(body)
    body.clear()
    return _only_file(data, options.get(b"boundary", b"")) if is_form else data


def _only_file(data: bytes, boundary: bytes) -> bytes:
    """Return the content of a form's one part."""
    form = _Form()
    try:
        parser = MultipartParser(boundary, form.callbacks())
        parser.write(data)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise HTTPException(400, f"the form is broken: {_HOW}") from error
    if not boundary or not form.ended:
        raise HTTPException(400, f"the form is cut short: {_HOW}")
    if form.parts == 0:
        raise HTTPException(400, f"the form holds no photo: {_HOW}")
    return b"".join(form.content)  # of one piece: no copy


def _others() -> HTTPException:
    words = f"the form may hold only {FIELD!r}, once: options go in the address, as ?faces=largest"
    return HTTPException(400, words)


class _Form:
    """Collects what the parser reports of a form's one part, and stops it at a second.

    Attributes:
        parts: how many were begun.
        content: of the part, in pieces.
        ended: the form is whole.
    """

    def __init__(self) -> None:
        self.parts = 0
        self.content: list[bytes] = []
        self.ended = False
        self._field, self._value, self._name = b"", b"", ""

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
        self.parts += 1
        if self.parts > 1:
            raise _others()

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
        self.content.append(data[start:end])

    def _end(self) -> None:
        if self._name != FIELD:
            raise _others()

    def _all(self) -> None:
        self.ended = True
