"""A real server in a thread, and a client that is nothing but Python's own."""

import contextlib
import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

from mask2face.server import Settings, create_app
from mask2face.server.run import listen, server


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Live:
    """A server that runs."""

    port: int
    app: Any
    uvicorn: Any
    thread: threading.Thread
    key: dict[str, str] = field(default_factory=dict)

    @property
    def service(self) -> Any:
        return self.app.state.shared.service

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, {**self.key, **(headers or {})})
            got = connection.getresponse()
            found = {name.lower(): value for name, value in got.getheaders()}
            return Reply(got.status, found, got.read())

    def unmask(self, photo: bytes, query: str = "", **headers: str) -> Reply:
        kind = {"Content-Type": "image/jpeg"} | {
            key.replace("_", "-"): value for key, value in headers.items()
        }
        return self.ask("POST", f"/v1/unmask{query}", photo, kind)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[Live]:
    app = create_app(settings)
    with listen("127.0.0.1", 0) as socket:
        ready = server(app, settings)
        thread = threading.Thread(target=ready.run, kwargs={"sockets": [socket]})
        thread.start()
        live = Live(socket.getsockname()[1], app, ready, thread)
        until = time.monotonic() + 20
        while not ready.started and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield live
        finally:
            live.stop()


@pytest.fixture(scope="module")
def start(tiny_model) -> Callable[..., Any]:
    """Start a server with the tiny model: `with start(queue=1) as live`."""
    return lambda **changes: running(
        replace(Settings(model=tiny_model, device="cpu", workers=2), **changes)
    )


@pytest.fixture(scope="module")
def live(start) -> Iterator[Live]:
    """A server that the tests of a module share."""
    with start() as found:
        yield found


def encoded(pixels: np.ndarray, format: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **options)
    return out.getvalue()


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A photo (180, 180, 3) with one face."""
    return np.ascontiguousarray(data.astronaut()[30:210, 136:316])


@pytest.fixture(scope="session")
def jpeg(portrait) -> bytes:
    return encoded(portrait, quality=92)


@pytest.fixture(scope="session")
def as_file() -> Callable[..., bytes]:
    """Pixels -> the bytes of a file."""
    return encoded
