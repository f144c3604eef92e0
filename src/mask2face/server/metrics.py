"""Counts and times of a server, in Prometheus's text format; nothing about a photo's content."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

TEXT: Final = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
_CROPS = (1, 2, 3, 4, 5, 6, 7, 8)


class Metrics:
    """What one application counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # memory, CPU seconds, open files
        self._requests = Counter(
            "mask2face_requests", "Requests.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "mask2face_request_seconds",
            "From the headers to the end of the answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._faces = Counter(
            "mask2face_faces", "Faces found in unmask.", ("masked",), registry=self._registry
        )
        self._crops = Histogram(
            "mask2face_batch_crops",
            "Crops in a network call.",
            buckets=_CROPS,
            registry=self._registry,
        )
        self._inside = Gauge(
            "mask2face_requests_inside",
            "Requests that wait or are worked on.",
            registry=self._registry,
        )

    def watch(self, inside: Callable[[], int]) -> None:
        """Show what `inside` returns as the requests that wait or are worked on."""
        self._inside.set_function(inside)

    def served(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def saw(self, masked: Iterable[bool]) -> None:
        """Count the faces of a photo."""
        for one in masked:
            self._faces.labels("yes" if one else "no").inc()

    def called(self, crops: int) -> None:
        """Count a network call."""
        self._crops.observe(crops)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)
