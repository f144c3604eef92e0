"""What a server is told at its start, checked: model, limits, key; and who may reach it."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mask2face.errors import UsageError

KEY_VARIABLE: Final = "MASK2FACE_API_KEY"
LEAST_KEY: Final = 16  # characters; shorter keys can be guessed
_NEW_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


@dataclass(frozen=True)
class Settings:
    """How a server works.

    Attributes:
        model: as in `Unmasker`.
        device: as in `Unmasker`.
        detector: as in `Unmasker`; what runs inside a browser has its own.
        api_key: what requests must bring, or None for none.
        local: the server listens on this machine only; without a key, requests must then name it
            by what `is_local` accepts (no other name that a web page made to point here).
        page: show browsers the page at `/`, and give it the models to run on the device.
        workers: photos worked on at the same time; 0 = one a core, at least 2, at most 8.
        queue: requests that may wait for a worker; more are refused with 503.
        max_bytes: of an upload.
        max_pixels: of a photo.
        read_seconds: in which an upload must have arrived.
        idle_seconds: in which the headers of a request must have arrived, and after which a client
            that takes none of its answer is cut off.
        stop_seconds: that requests in flight get when the server stops.

    Raises:
        UsageError: a value is not accepted.
    """

    model: str | Path | None = None
    device: str = "auto"
    detector: str = "centerface"
    api_key: str | None = None
    local: bool = True
    page: bool = True
    workers: int = 0
    queue: int = 32
    max_bytes: int = 32 * 1024**2
    max_pixels: int = 40_000_000
    read_seconds: float = 30.0
    idle_seconds: float = 10.0
    stop_seconds: float = 30.0

    def __post_init__(self) -> None:
        least = {"workers": 0, "queue": 0, "max_bytes": 1, "max_pixels": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise UsageError(f"{name} is {getattr(self, name)}: give at least {bound}")
        for name in ("read_seconds", "idle_seconds", "stop_seconds"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}: give more than 0")
        if self.api_key is not None:
            check_key(self.api_key)

    @property
    def threads(self) -> int:
        """Worker threads: `workers`, or what suits the machine."""
        return self.workers or min(8, max(2, os.cpu_count() or 1))


def check_key(key: str) -> None:
    """Refuse an API key that is short or does not fit into a header.

    Raises:
        UsageError: it does; the message does not repeat the key.
    """
    if len(key) < LEAST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"the API key must have at least {LEAST_KEY} printable ASCII characters and no space: "
            f"make one with  {_NEW_KEY}"
        )


def find_key(file: Path | None) -> str | None:
    """Return the API key in `file`, else that in the environment, else None.

    Args:
        file: its first line is the key.

    Raises:
        UsageError: the file cannot be read, or the key is not accepted.
    """
    if file is None:
        key = os.environ.get(KEY_VARIABLE)
    else:
        try:
            key = file.read_text(encoding="utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise UsageError(f"the API key file {file} cannot be read ({reason})") from error
    if key is not None:
        check_key(key)
    return key


def is_local(host: str) -> bool:
    """Say whether only this machine reaches a server on `host`.

    >>> is_local("127.0.0.1"), is_local("0.0.0.0")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_exposure(host: str, api_key: str | None, no_auth: bool) -> None:
    """Refuse a server that others can reach and use without a key.

    Args:
        host: what the server listens on.
        api_key: its key, or None.
        no_auth: the user says that it needs none.

    Raises:
        UsageError: others can reach it; or a key and `no_auth` contradict each other.
    """
    if no_auth and api_key is not None:
        raise UsageError("--no-auth and an API key contradict each other: leave one out")
    if api_key is None and not no_auth and not is_local(host):
        raise UsageError(
            f"anybody who reaches {host} could use this server: set {KEY_VARIABLE} or give "
            f"--api-key-file (make a key with  {_NEW_KEY}), or say --no-auth"
        )
