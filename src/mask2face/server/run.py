"""Serve the application with uvicorn until a signal: a socket, then requests, then a clean end."""

import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from mask2face.errors import UsageError
from mask2face.server.protocol import PatientProtocol
from mask2face.server.settings import Settings

CONNECTIONS = 256  # open at a time; uvicorn answers 503 to more
_HEADERS = 32 * 1024  # bytes of a request's headers
_KEEP_ALIVE = 5  # s between two requests of a connection


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: name or address.
        port: 0 for any free one.

    Raises:
        UsageError: it cannot be had; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=CONNECTIONS)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"cannot listen on {host} port {port} ({reason}): give another --host or --port"
        ) from error


def address(listening: socket.socket) -> str:
    """Return the address of a listening socket, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """Return uvicorn, ready to `run(sockets=[...])`."""
    kind = type("Protocol", (PatientProtocol,), {"patience": settings.idle_seconds})
    config = uvicorn.Config(
        app,
        http=kind,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,  # the command line says what is logged
        access_log=False,  # `gate` writes a line without addresses
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=_HEADERS,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=int(max(1, settings.stop_seconds)),
    )
    return uvicorn.Server(config)


def serve(
    app: FastAPI, settings: Settings, listening: socket.socket, ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight are answered first.

    Args:
        app: of `create_app(settings)`.
        settings: the same.
        listening: of `listen`.
        ready: is told the address.
    """
    # uvicorn repeats the signal once it has ended: that it ended well is no failure
    before = {one: signal.signal(one, _nothing) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        ready(address(listening))
        server(app, settings).run(sockets=[listening])
    finally:
        listening.close()
        for one, handler in before.items():
            signal.signal(one, handler)


def _nothing(number: int, frame: object) -> None:
    """Take a signal that has been heeded."""
