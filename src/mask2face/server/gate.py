"""Around every request: who may in, an id, security headers, a line of log, a count."""

import hmac
import logging
import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mask2face.server import problems
from mask2face.server.browser import PREFIX, Page
from mask2face.server.metrics import Metrics
from mask2face.server.settings import Settings, is_local

OPEN: Final = ("/healthz",)  # without a key
CLIENT_LEFT: Final = 499  # nginx's number for it; never sent, only counted
SECURITY: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("mask2face.server")


class Gate:
    """ASGI middleware, the outermost.

    Args:
        app: what is inside.
        settings: the key and where the server listens.
        metrics: counts the requests.
        routes: paths with a name of their own in log and metrics; the rest is "other".
        page: whose files need no key and count together, or None.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        metrics: Metrics,
        routes: frozenset[str],
        page: Page | None = None,
    ) -> None:
        self._app, self._metrics, self._routes, self._page = app, metrics, routes, page
        self._key = None if settings.api_key is None else settings.api_key.encode()
        self._local_only = settings.local and settings.api_key is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        request_id = asked if _ID.fullmatch(asked) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), CLIENT_LEFT

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = request_id
                for name, value in SECURITY.items():
                    out.setdefault(name, value)
            await send(message)

        try:
            refusal = self._refusal(headers, scope["path"], request_id)
            await (refusal or self._app)(scope, receive, sent)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception:
            _log.exception("request %s failed", request_id)
            if status == CLIENT_LEFT:
                failed = problems.answer(500, problems.FAILED, request_id)
                await failed(scope, receive, sent)
        finally:
            route = self._route(scope["path"])
            seconds = time.perf_counter() - began
            self._metrics.served(route, status, seconds)
            level = logging.DEBUG if route == PREFIX and status < 400 else logging.INFO
            _log.log(level, "%s %s %d %.0f ms", request_id, route, status, 1000 * seconds)

    def _route(self, path: str) -> str:
        if self._page is not None and path.startswith(PREFIX):
            return PREFIX
        return path if path in self._routes else "other"

    def _refusal(self, headers: Headers, path: str, request_id: str) -> ASGIApp | None:
        """Return the answer to a request that may not in, or None."""
        if self._key is not None:
            if path in OPEN or self._knows_key(headers) or self._is_page(headers, path):
                return None
            how = "send the API key as  Authorization: Bearer KEY  or  X-API-Key: KEY"
            return problems.answer(401, how, request_id, {"WWW-Authenticate": "Bearer"})
        host = headers.get("host", "")
        if self._local_only and not is_local(_name(host)):  # no DNS makes an address another's
            words = "this server answers only to localhost and loopback addresses, as 127.0.0.1"
            return problems.answer(421, words, request_id)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            words = "pages of other sites may not use this server"
            return problems.answer(403, words, request_id)
        return None

    def _is_page(self, headers: Headers, path: str) -> bool:
        accept = headers.get("accept", "")
        return self._page is not None and self._page.is_open(path, accept)

    def _knows_key(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        # bytes: text beyond ASCII would raise; the comparison takes the same time for every key
        return self._key is not None and hmac.compare_digest(given.encode(), self._key)


def _name(host: str) -> str:
    """Return the name in a header `Host`, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
