"""Load the server: many clients at once, beside one request at a time.

    python benchmarks/server_load.py --clients 8 --seconds 30

Starts `mask2face serve` in a process of its own, sends it photos (one face in a face mask each,
drawn on `skimage.data.astronaut()`) first from one client, then from all, over connections that
stay open, and prints for both: answers by status, photos a second, p50 and p99 of the answers with
200, crops a network call, and by how much the server's memory grew.
"""

import argparse
import contextlib
import http.client
import io
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

from mask2face import masking, mean_face


@dataclass
class Load:
    """What the clients of one run saw."""

    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)


def picture(side: int) -> bytes:
    """Return a JPEG of `side` px with one face in a face mask."""
    masker = masking.Masker(lambda _, face: mean_face.guess(face), "cpu")
    photo = masker(astronaut(), style="surgical", seed=0).photo
    out = io.BytesIO()
    Image.fromarray(cv2.resize(photo, (side, side))).save(out, "JPEG", quality=90)
    return out.getvalue()


@contextlib.contextmanager
def server(arguments: list[str]) -> Iterator[tuple[str, int]]:
    """Run a server; give its host and port."""
    command = [sys.executable, "-m", "mask2face", "serve", "--port", "0", "--quiet", *arguments]
    plain = {key: value for key, value in os.environ.items() if key != "MASK2FACE_API_KEY"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=plain)
    with process:
        try:
            for line in process.stderr or ():
                print(line, end="")
                if line.startswith("listening on "):
                    url = urlsplit(line.removeprefix("listening on ").strip())
                    yield url.hostname or "", url.port or 0
                    break
        finally:
            process.terminate()


def send(place: tuple[str, int], photo: bytes, end: float, load: Load) -> None:
    """Ask again and again until `end`; a refused client waits 1 s."""
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=120)) as wire:
        while time.perf_counter() < end:
            began = time.perf_counter()
            try:
                wire.request("POST", "/v1/unmask", photo, {"Content-Type": "image/jpeg"})
                reply = wire.getresponse()
                reply.read()
            except OSError as error:
                load.statuses[type(error).__name__] += 1
                wire.close()
                continue
            load.statuses[str(reply.status)] += 1
            if reply.status == 200:
                load.taken.append(time.perf_counter() - began)
            elif reply.status == 503:
                time.sleep(1)


def run(place: tuple[str, int], photo: bytes, clients: int, seconds: float) -> Load:
    """Let `clients` ask for `seconds`."""
    load, began = Load(), time.perf_counter()
    end = began + seconds
    threads = [
        threading.Thread(target=send, args=(place, photo, end, load)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - began
    return load


def metrics(place: tuple[str, int]) -> dict[str, float]:
    """Return the server's metrics that have no labels."""
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=120)) as wire:
        wire.request("GET", "/metrics")
        lines = wire.getresponse().read().decode().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def report(label: str, load: Load, before: dict[str, float], after: dict[str, float]) -> None:
    """Print one run."""
    grown = after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
    crops, calls = (
        after[f"mask2face_batch_crops_{end}"] - before[f"mask2face_batch_crops_{end}"]
        for end in ("sum", "count")
    )
    p50, p99 = np.percentile(load.taken or [float("nan")], [50, 99]) * 1000
    print(
        f"{label}: {dict(load.statuses)}, {len(load.taken) / load.seconds:.2f} photos/s, "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {crops / max(calls, 1):.2f} crops a call, "
        f"memory {after['process_resident_memory_bytes'] / 1e6:.0f} MB ({grown / 1e6:+.1f})"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the two runs")
    parser.add_argument("--side", type=int, default=640, help="of the photos, px")
    options, rest = parser.parse_known_args()  # the rest goes to `mask2face serve`
    photo = picture(options.side)
    with server(rest) as place:
        run(place, photo, 1, 0.01)  # one photo, to warm up
        for clients in (1, options.clients):
            before = metrics(place)
            load = run(place, photo, clients, options.seconds)
            label = f"{clients} client{'s' if clients > 1 else ''}"
            report(label, load, before, metrics(place))


if __name__ == "__main__":
    main()
