"""What a browser gets: the page, what it must know of the server, and the models to run itself."""

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse

from mask2face import __version__, provenance
from mask2face.detectors.centerface import weights_file as detector_file
from mask2face.server.accept import wants_page
from mask2face.server.batching import BatchedUnmasker
from mask2face.server.settings import Settings

FOLDER: Final = Path(__file__).with_name("page")
PREFIX: Final = "/page/"  # of all addresses but the page's own, which is /
KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
_ONNX: Final = "application/octet-stream"
HEADERS: Final = {
    "Cache-Control": "private, no-cache",  # kept, and asked about each time: a 304 is short
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self'; img-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",  # with the next: threads for WebAssembly
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Page:
    """The files of the page and of the models.

    Args:
        unmasker: whose models the page may run.
        settings: limits, and where the server listens.
        folder: of the page's files; those that are in it now are served, no others.
    """

    def __init__(
        self, unmasker: BatchedUnmasker, settings: Settings, folder: Path = FOLDER
    ) -> None:
        self._unmasker, self._settings = unmasker, settings
        found = (path for path in sorted(folder.rglob("*")) if path.suffix in KINDS)
        self._files = {path.relative_to(folder).as_posix(): path for path in found}

    @property
    def obstacle(self) -> str | None:
        """Why the models cannot run in the browser, for the user to read; None where they can."""
        vendor = [name for name in self._files if name.startswith("vendor/")]
        if "engine/client.js" not in self._files or not any(map(_is_wasm, vendor)):
            return "this installation lacks the files for it: build them with  make web"
        if not self._unmasker.portable:
            name = self._unmasker.card.name
            return f"model {name!r} needs a face-recognition net, which browsers do not have"
        return None

    def is_open(self, path: str, accept: str) -> bool:
        """Say whether a request needs no key: it asks for the page itself, which holds no secret.

        Args:
            path: of the request.
            accept: its header.
        """
        return (path == "/" and wants_page(accept)) or path.removeprefix(PREFIX) in self._files

    def state(self) -> dict[str, Any]:
        """Return what the page must know of this server."""
        obstacle = self.obstacle
        return {
            "version": __version__,
            "model": self._unmasker.card.name,
            "provider": self._unmasker.provider,
            "local": self._settings.local,
            "on_device": obstacle is None,
            "obstacle": obstacle,
            "device_bytes": 0 if obstacle else self._device_bytes,
            "statement": provenance.STATEMENT,
            "mark": provenance.mark(None).decode(),
            "limits": {"bytes": self._settings.max_bytes, "pixels": self._settings.max_pixels},
        }

    def file(self, request: Request, name: str) -> Response:
        """Return a file of the page, or that the browser has it.

        Raises:
            HTTPException: 404, there is none of that name.
        """
        path = self._files.get(name)
        if path is None:
            raise HTTPException(404)
        return _answer(request, path, KINDS[path.suffix])

    def restorer(self, request: Request) -> Response:
        """Return the model in use."""
        return _answer(request, self._unmasker.file, _ONNX)

    def detector(self, request: Request) -> Response:
        """Return CenterFace, which finds the faces in browsers, whatever the server uses."""
        return _answer(request, detector_file(), _ONNX)

    @property
    def _device_bytes(self) -> int:
        """Bytes that a browser loads before it can do without the server."""
        vendor = [path for name, path in self._files.items() if name.startswith("vendor/")]
        return sum(path.stat().st_size for path in (self._unmasker.file, detector_file(), *vendor))


def add_page(app: FastAPI, page: Page) -> None:
    """Add the page's addresses, but for its own."""

    @app.get(f"{PREFIX}state.json", include_in_schema=False)
    async def state() -> dict[str, Any]:
        return page.state()

    @app.get(f"{PREFIX}models/restorer.onnx", include_in_schema=False)
    async def restorer(request: Request) -> Response:
        return page.restorer(request)

    @app.get(f"{PREFIX}models/detector.onnx", include_in_schema=False)
    async def detector(request: Request) -> Response:
        return page.detector(request)

    @app.get(f"{PREFIX}{{name:path}}", include_in_schema=False)
    async def file(request: Request, name: str) -> Response:
        return page.file(request, name)


def _answer(request: Request, path: Path, media_type: str) -> Response:
    found = FileResponse(path, headers=HEADERS, media_type=media_type, stat_result=path.stat())
    tag = found.headers["etag"]
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=HEADERS | {"ETag": tag})
    return found


def _is_wasm(name: str) -> bool:
    return name.endswith(".wasm")
