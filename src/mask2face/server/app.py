"""The ASGI application: routes, what they accept and answer."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeVar

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from mask2face import __version__
from mask2face.batching import share_of_cores
from mask2face.errors import Mask2FaceError
from mask2face.provenance import STATEMENT
from mask2face.server import problems
from mask2face.server.accept import MEDIA, preferences, wants_page
from mask2face.server.admission import Workers
from mask2face.server.batching import BatchedUnmasker
from mask2face.server.browser import Page, add_page
from mask2face.server.gate import Gate
from mask2face.server.metrics import TEXT, Metrics
from mask2face.server.options import MaskOptions, Unmasked, UnmaskOptions, WithMasks
from mask2face.server.service import Answer, Service
from mask2face.server.settings import Settings
from mask2face.server.uploads import FIELD, Uploads, photo_in

Options = TypeVar("Options", bound=BaseModel)

ENDPOINTS: Final = {
    "unmask": "POST /v1/unmask",
    "mask": "POST /v1/mask",
    "health": "GET /healthz",
    "metrics": "GET /metrics",
    "openapi": "GET /openapi.json",
}
ROUTES: Final = frozenset(("/", *(words.split()[1] for words in ENDPOINTS.values())))
_HELD = 8  # longest uploads that may be in memory at a time
_REFUSED = (400, 401, 406, 408, 413, 415, 422, 503)
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"A photo: its bytes, or a form with one file named `{FIELD}`. "
        "Nothing of it is kept.",
        "content": {
            **dict.fromkeys(("image/*", "application/octet-stream"), _BYTES),
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: _BYTES["schema"]},
                }
            },
        },
    }
}


class _Application:
    """What the routes share: service, workers, uploads, metrics."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        unmasker = BatchedUnmasker(
            settings.model,
            settings.device,
            self.metrics.called,
            settings.threads,
            settings.detector,
        )
        self.service = Service(
            unmasker,
            self.metrics,
            settings.max_pixels,
            settings.device,
            share_of_cores(settings.threads, settings.device),
        )
        self.workers = Workers(settings.threads, settings.queue)
        self.metrics.watch(lambda: self.workers.inside)
        most_held = _HELD * settings.max_bytes
        self.uploads = Uploads(settings.max_bytes, settings.read_seconds, most_held)

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """End what runs when the server stops: first the requests, then the batcher."""
        yield
        self.workers.close()
        self.service.close()

    async def answer(
        self,
        request: Request,
        work: Callable[[bytes, Options, Mapping[str, float]], Answer],
        asked: Options,
    ) -> Response:
        """Read the photo, let a worker do it, and answer."""
        wanted = preferences(request.headers.get("accept", ""))
        self.workers.check_room()  # before the upload, and again after it
        async with self.uploads.body(request) as body:
            kind = request.headers.get("content-type", "")
            done = await self.workers.do(request, lambda: work(photo_in(body, kind), asked, wanted))
        return Response(done.body, media_type=done.media_type, headers=dict(done.headers))


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application, its model loaded.

    Args:
        settings: default: `Settings()`, for this machine only.

    Raises:
        Mask2FaceError: the model or the device is not there.
    """
    settings = settings or Settings()
    shared = _Application(settings)
    app = FastAPI(
        title="mask2face",
        version=__version__,
        summary="Fills in a plausible, invented lower face where a face mask is.",
        description="The result does not show who someone is: never use it to identify, verify or "
        "accuse anyone. Photos are kept neither on disk nor in the log.",
        lifespan=shared.lifespan,
        docs_url=None,  # their pages load from other hosts
        redoc_url=None,
    )
    app.state.shared = shared
    page = Page(shared.service.unmasker, settings) if settings.page else None
    app.add_middleware(Gate, settings=settings, metrics=shared.metrics, routes=ROUTES, page=page)
    _handle_errors(app)
    _add_information(app, shared, page)
    _add_work(app, shared)
    if page is not None:
        add_page(app, page)
    return app


def _add_work(app: FastAPI, shared: _Application) -> None:
    images: dict[str, Any] = dict.fromkeys(MEDIA.values(), _BYTES)

    def answers(model: type[BaseModel], *more: int) -> dict[int | str, dict[str, Any]]:
        words = "The photo in the format sent or asked for; or, of Accept: application/json, facts."
        good = {"model": model, "content": images, "description": words}
        return {200: good, **problems.documented(*_REFUSED, *more)}

    @app.post("/v1/unmask", openapi_extra=_BODY, responses=answers(Unmasked))
    async def unmask(request: Request, asked: Annotated[UnmaskOptions, Query()]) -> Response:
        """Replace every face mask in a photo by a plausible, invented lower face.

        The answer carries the machine-readable mark of altered photos (XMP; a BMP cannot: header
        Mask2face-Mark). A photo without a face mask comes back byte for byte.
        """
        return await shared.answer(request, shared.service.unmask, asked)

    @app.post("/v1/mask", openapi_extra=_BODY, responses=answers(WithMasks, 501))
    async def mask(request: Request, asked: Annotated[MaskOptions, Query()]) -> Response:
        """Draw a face mask on every face of a photo. Needs the extra `data` on the server."""
        return await shared.answer(request, shared.service.mask, asked)


def _add_information(app: FastAPI, shared: _Application, page: Page | None) -> None:
    unmasker = shared.service.unmasker
    index = {"name": "mask2face", "version": __version__, "statement": STATEMENT}
    html: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}

    @app.get("/", responses={200: {"content": html, "description": "Or, for browsers, a page."}})
    async def root(request: Request) -> Response:
        """Name the endpoints."""
        if page is not None and wants_page(request.headers.get("accept", "")):
            found = page.file(request, "index.html")
        else:
            found = JSONResponse({**index, "endpoints": ENDPOINTS})
        found.headers["Vary"] = "Accept"
        return found

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        """Say that the server works, and with which model."""
        return {"status": "ok", "model": unmasker.card.name, "provider": unmasker.provider}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Return counts and times for Prometheus."""
        return Response(shared.metrics.text(), media_type=TEXT)


def _handle_errors(app: FastAPI) -> None:
    def request_id(request: Request) -> str:
        return str(request.scope["state"]["request_id"])

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        return problems.answer(
            error.status_code, str(error.detail), request_id(request), error.headers
        )

    @app.exception_handler(RequestValidationError)
    async def wrong_options(request: Request, error: RequestValidationError) -> Response:
        return problems.answer(400, problems.said(error.errors()), request_id(request))

    @app.exception_handler(Mask2FaceError)
    async def known(request: Request, error: Mask2FaceError) -> Response:
        status = problems.status_of(error)
        detail = problems.detail_of(error, status)
        if detail == problems.FAILED:
            raise error  # the gate logs it
        return problems.answer(status, detail, request_id(request))
