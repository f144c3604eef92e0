"""The header `Accept` and the photo's format -> what to answer with."""

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException

JSON: Final = "JSON"
MEDIA: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}  # key of `photos.FORMATS` -> media type
_KINDS = {**MEDIA, JSON: "application/json"}


def preferences(accept: str) -> dict[str, float]:
    """Return how much each kind of answer is wanted: key of `MEDIA` or `JSON` -> 0 to 1.

    Args:
        accept: the header; empty is `*/*`. Of several ranges the closest counts (RFC 9110, 12.5.1).

    Raises:
        HTTPException: 406, no kind is wanted.

    >>> preferences("application/json, image/png;q=0.5")["PNG"]
    0.5
    """
    ranges = dict(_range(part) for part in (accept.strip() or "*/*").split(","))
    found = {kind: _weight(media, ranges) for kind, media in _KINDS.items()}
    if not any(found.values()):
        raise HTTPException(406, f"Accept must allow one of {', '.join(_KINDS.values())}")
    return found


def best(wanted: Mapping[str, float], own: str) -> str:
    """Return the kind wanted most; of several, the photo's own format, then images, then JSON.

    Args:
        wanted: of `preferences`.
        own: key of `MEDIA`.

    >>> best(preferences("*/*"), "WEBP")
    'WEBP'
    """
    return max((own, *_KINDS), key=lambda kind: wanted[kind])


def wants_page(accept: str) -> bool:
    """Say whether a browser asks: it names HTML, and prefers it to JSON.

    Args:
        accept: the header.

    >>> wants_page("text/html,application/xhtml+xml,*/*;q=0.8"), wants_page("*/*")
    (True, False)
    """
    ranges = dict(_range(part) for part in accept.split(","))
    return ranges.get("text/html", 0) > ranges.get("application/json", 0)


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                weight = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                weight = 0.0
    return media, weight if weight == weight else 0.0  # NaN


def _weight(media: str, ranges: Mapping[str, float]) -> float:
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
