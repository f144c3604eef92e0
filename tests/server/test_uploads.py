"""Bodies within limits, and the photo in them."""

import asyncio
import tracemalloc

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from mask2face.server.uploads import Uploads, photo_in

KIND = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'


def request(*chunks, length=None, ends=True):
    """A request whose body comes in these chunks, then ends or stays open."""
    parts = list(chunks)

    async def receive():
        if not parts:
            await asyncio.sleep(60)
        part = parts.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(parts) or not ends}

    headers = [] if length is None else [(b"content-length", length)]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def read(uploads, asked):
    async def run():
        async with uploads.body(asked) as body:
            size = len(body)
            assert uploads._held == size
            photo = photo_in(body, "image/jpeg")
            assert uploads._held == size, "the photo is as long"
            return photo

    try:
        return asyncio.run(run())
    finally:
        assert uploads._held == 0


def status(uploads, asked):
    with pytest.raises(HTTPException) as caught:
        read(uploads, asked)
    return caught.value.status_code


def test_limits():
    uploads = Uploads(10, 0.05, 15)
    assert read(uploads, request(b"12345", b"67890")) == b"1234567890"
    assert read(uploads, request(b"1", length=b"wrong")) == b"1"
    assert status(uploads, request(b"", length=b"11")) == 413
    assert status(uploads, request(b"12345", b"678901")) == 413
    assert status(uploads, request(b"12345", ends=False)) == 408
    with pytest.raises(ClientDisconnect):
        read(uploads, request(b"12345", None))


def test_all_uploads_together():
    uploads = Uploads(10, 1, 15)

    async def run():
        async with uploads.body(request(b"1234567890")):
            with pytest.raises(HTTPException) as caught:
                async with uploads.body(request(b"123456")):
                    pass
        return caught.value

    error = asyncio.run(run())
    assert error.status_code == 503
    assert error.headers["Retry-After"] == "2"


@pytest.mark.parametrize("kind", ["", "image/jpeg", "image/heic", "application/octet-stream"])
def test_the_photo_itself(kind):
    assert photo_in(bytearray(b"photo"), kind) == b"photo"


def test_a_form():
    photo = b"\r\n--c\r\n\0\r\n--"
    assert photo_in(bytearray(PART + photo + b"\r\n--b--\r\n"), KIND) == photo
    assert photo_in(bytearray(PART + b"\r\n--b--"), KIND) == b""


@pytest.mark.parametrize("kind", ["image/jpeg", KIND])
def test_no_second_copy_is_kept(kind):
    photo = bytes(2**20)
    body = bytearray(PART + photo + b"\r\n--b--" if kind == KIND else photo)
    tracemalloc.start()
    try:
        taken = photo_in(body, kind)
        now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken == photo
    assert not body
    assert now < 1.1 * len(photo)
    assert most < 2.2 * len(photo)


def test_a_form_is_read_no_further_than_to_a_second_part():
    broken = b"x\r\n--b\r\n: what no parser takes"
    with pytest.raises(HTTPException, match="'file', once: options go in the address"):
        photo_in(bytearray(PART + broken), KIND)


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"x", "text/plain", 415),
        (b"x", "multipart/mixed; boundary=b", 415),
        (b"", KIND, 400),
        (PART, KIND, 400),
        (PART + b"x", KIND, 400),
        (b"--b--\r\n", KIND, 400),
        (b"garbage" * 9, KIND, 400),
        (PART + b"x\r\n--b--\r\n", "multipart/form-data; boundary=" + "c" * 300, 400),
        (PART.replace(b"file", b"\xff") + b"x\r\n--b--\r\n", KIND, 400),
        (b"--b\r\n" + b"A: b\r\n" * 5000 + b"\r\nx\r\n--b--\r\n", KIND, 400),
    ],
)
def test_bodies_that_hold_none(data, kind, status):
    with pytest.raises(HTTPException) as caught:
        photo_in(bytearray(data), kind)
    assert caught.value.status_code == status
