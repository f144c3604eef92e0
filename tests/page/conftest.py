"""The page in Debian's Chromium, and a real server behind it; nothing else is reached."""

import contextlib
import io
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

MUST = os.environ.get("CI_PAGE") is not None  # a tool that is missing is then a failure
WAIT = 30_000  # ms, of Playwright
WEB = Path(__file__).parents[2] / "web"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


def lacking(what: str, fix: str) -> None:
    """Skip, or fail where CI_PAGE is set."""
    (pytest.fail if MUST else pytest.skip)(f"no {what}: {fix}")


@dataclass
class Site:
    """A server that runs."""

    url: str
    app: Any

    @property
    def service(self) -> Any:
        return self.app.state.shared.service


@contextlib.contextmanager
def running(settings: Any) -> Iterator[Site]:
    from mask2face.server import create_app
    from mask2face.server.run import address, listen, server

    app = create_app(settings)
    with listen("127.0.0.1", 0) as socket:
        ready = server(app, settings)
        thread = threading.Thread(target=ready.run, kwargs={"sockets": [socket]})
        thread.start()
        while not ready.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield Site(address(socket), app)
        finally:
            ready.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def start(tiny_model) -> Callable[..., Any]:
    """Start a server with the tiny model: `with start(queue=1) as site`."""
    pytest.importorskip("fastapi")
    from mask2face.server import Settings

    return lambda **changes: running(
        replace(Settings(model=tiny_model, device="cpu", workers=2), **changes)
    )


@pytest.fixture(scope="module")
def site(start) -> Iterator[Site]:
    """A server that the tests of a module share."""
    with start() as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for a module: Playwright must not keep the main thread's loop any longer."""
    if not MUST:
        pytest.importorskip("playwright")
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        lacking("Chromium", "apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def held(site, monkeypatch) -> Callable[..., Any]:
    """`with held() as let_others_pass`: photos wait in the server until the block ends."""

    @contextlib.contextmanager
    def holding() -> Iterator[Callable[[], None]]:
        go_on, real = threading.Event(), site.service.unmask

        def slow(*arguments: Any) -> Any:
            assert go_on.wait(WAIT / 1000)
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(site.service, "unmask", slow)
            try:
                yield patch.undo
            finally:
                go_on.set()

    return holding


@dataclass
class Seen:
    """What the pages of one test asked for and complained of."""

    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def posts(self) -> list[str]:
        return [line for line in self.requests if line.startswith("POST")]


@pytest.fixture
def seen() -> Seen:
    return Seen()


def answering(answer: dict[str, Any]) -> Callable[[Any], None]:
    """Return what gives this answer in the server's stead."""
    return lambda route: route.fulfill(**answer)


@pytest.fixture
def visit(chromium, site, seen) -> Iterator[Callable[..., Any]]:
    """Open the page; no test may reach another host, break the policy or throw."""
    opened = []

    def go(url: str = site.url, routes: dict[str, Any] | None = None, **options: Any) -> Any:
        context = chromium.new_context(**({"reduced_motion": "reduce"} | options))
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("request", lambda one: seen.requests.append(f"{one.method} {one.url}"))
        page.on("pageerror", lambda error: seen.said.append(str(error)))
        page.on("console", lambda one: seen.said.append(one.text))
        for pattern, answer in (routes or {}).items():
            page.route(pattern, answering(answer))
        page.goto(url)
        page.wait_for_selector("#tool:not([hidden]), #ask:not([hidden]), #error:not([hidden])")
        return page

    yield go
    for context in opened:
        context.close()
    refused = "Failed to load resource"  # Chromium's own words for an answer that is an error
    assert [words for words in seen.said if refused not in words] == []
    own = ("http://127.0.0.1:", "blob:", "data:")
    assert [line for line in seen.requests if not line.split()[1].startswith(own)] == []


def encoded(pixels: np.ndarray, format: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, **options)
    return out.getvalue()


@pytest.fixture(scope="session")
def pair() -> np.ndarray:
    """A photo (180, 360, 3) with two faces."""
    one = data.astronaut()[30:210, 136:316]
    return np.ascontiguousarray(np.hstack([one, one[:, ::-1]]))


@pytest.fixture(scope="session")
def as_file() -> Callable[..., bytes]:
    """Pixels -> the bytes of a file."""
    return encoded


@pytest.fixture(scope="session")
def jpeg(pair) -> bytes:
    return encoded(pair, quality=92)


def put(page: Any, name: str, body: bytes, kind: str = "image/jpeg", state: str = "done") -> None:
    """Choose a photo and wait for what the page makes of it."""
    page.evaluate("() => { document.querySelector('main').dataset.state = 'empty'; }")
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": body})
    page.wait_for_selector(f'main[data-state="{state}"]')


@pytest.fixture(scope="session")
def choose() -> Callable[..., None]:
    return put


@pytest.fixture(scope="session")
def saved(tmp_path_factory) -> Callable[[Any], tuple[str, bytes]]:
    """Press Download; return the name and the bytes of the file."""

    def press(page: Any) -> tuple[str, bytes]:
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download").click()
        found = waiting.value
        return found.suggested_filename, Path(found.path()).read_bytes()

    return press


@pytest.fixture(scope="session")
def engine() -> None:
    """The files that the models need in the browser."""
    from mask2face.server.browser import FOLDER

    if not list((FOLDER / "vendor").glob("*.wasm")):
        lacking("onnxruntime-web", "make web")


@pytest.fixture(scope="session")
def axe() -> str:
    """The program that looks for barriers."""
    path = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        lacking("axe-core", "npm --prefix web ci")
    return path.read_text(encoding="utf-8")
