"""Load the server: many clients at once, beside one request at a time.

    python benchmarks/server_load.py --clients 50 --seconds 120
    python benchmarks/server_load.py --clients 8 --requests 10000 --side 160   # memory over time

Starts `mask2face serve` in a process of its own, sends it photos (one face in a face mask each,
drawn on `skimage.data.astronaut()`) first from one client, then from all, over connections that
stay open, and prints for both: answers by status, photos a second, p50 and p99 of the answers with
200, crops a network call; and the server's memory from its start to the end. Exit status 1 where
anything but 200 and 503 (too many requests) came back. Other options go to `mask2face serve`.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

from mask2face import masking, mean_face

SAMPLES = 12  # of the memory, in a run
FINE = {"200", "503"}


@dataclass
class Load:
    """What the clients of one run saw.

    Attributes:
        seconds: that it took.
        statuses: answers by status, and connections that broke.
        taken: s, of each answer with 200.
        memory: (photos done, MB of the server) over time.
    """

    seconds: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)
    memory: list[tuple[int, float]] = field(default_factory=list)


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


def send(place: tuple[str, int], photo: bytes, go_on: Callable[[], bool], load: Load) -> None:
    """Ask again and again while `go_on` says so; a refused client waits 1 s."""
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=120)) as wire:
        while go_on():
            began = time.perf_counter()
            try:
                wire.request("POST", "/v1/unmask", photo, {"Content-Type": "image/jpeg"})
                reply = wire.getresponse()
                reply.read()
            except (OSError, http.client.HTTPException) as error:
                load.statuses[type(error).__name__] += 1
                wire.close()
                continue
            load.statuses[str(reply.status)] += 1
            if reply.status == 200:
                load.taken.append(time.perf_counter() - began)
            elif reply.status == 503:
                time.sleep(1)


def run(
    place: tuple[str, int], photo: bytes, clients: int, seconds: float, requests: int | None = None
) -> Load:
    """Let `clients` ask for `seconds`, or until there are so many answers with 200."""
    load, began = Load(), time.perf_counter()

    def go_on() -> bool:
        if requests is not None:
            return len(load.taken) < requests
        return time.perf_counter() - began < seconds

    threads = [
        threading.Thread(target=send, args=(place, photo, go_on, load)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    due = 0.0
    while any(thread.is_alive() for thread in threads):
        done = len(load.taken)
        share = done / requests if requests else (time.perf_counter() - began) / max(seconds, 1e-9)
        if share >= due:
            load.memory.append((done, memory(place)))
            due += 1 / SAMPLES
        time.sleep(0.05)
    load.memory.append((len(load.taken), memory(place)))
    load.seconds = time.perf_counter() - began
    return load


def memory(place: tuple[str, int]) -> float:
    """Return the memory of the server, MB."""
    return metrics(place)["process_resident_memory_bytes"] / 1e6


def metrics(place: tuple[str, int]) -> dict[str, float]:
    """Return the server's metrics that have no labels."""
    with contextlib.closing(http.client.HTTPConnection(*place, timeout=120)) as wire:
        wire.request("GET", "/metrics")
        lines = wire.getresponse().read().decode().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def report(label: str, load: Load, before: dict[str, float], after: dict[str, float]) -> None:
    """Print one run."""
    crops, calls = (
        after[f"mask2face_batch_crops_{end}"] - before[f"mask2face_batch_crops_{end}"]
        for end in ("sum", "count")
    )
    p50, p99 = np.percentile(load.taken or [float("nan")], [50, 99]) * 1000
    print(
        f"{label}: {dict(load.statuses)}, {len(load.taken) / load.seconds:.2f} photos/s, "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, {crops / max(calls, 1):.2f} crops a call"
    )
    print("  memory, MB: " + ", ".join(f"{held:.0f} after {done}" for done, held in load.memory))


def grown(load: Load) -> float:
    """Return by how many MB the memory grew in the second half of a run, for each 1,000 photos."""
    half = np.array(load.memory[len(load.memory) // 2 :])
    if len(half) < 2 or np.ptp(half[:, 0]) == 0:
        return float("nan")
    return float(np.polyfit(half[:, 0] / 1000, half[:, 1], 1)[0])


def main() -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the two runs")
    parser.add_argument("--requests", type=int, help="answers of the second run, whatever it takes")
    parser.add_argument("--side", type=int, default=640, help="of the photos, px")
    options, rest = parser.parse_known_args()  # the rest goes to `mask2face serve`
    photo = picture(options.side)
    wrong: Counter[str] = Counter()
    with server(rest) as place:
        start = memory(place)
        run(place, photo, 1, 1.0)
        print(f"memory, MB: {start:.0f} at the start, {memory(place):.0f} warm")
        for clients, requests in ((1, None), (options.clients, options.requests)):
            before = metrics(place)
            load = run(place, photo, clients, options.seconds, requests)
            label = f"{clients} client{'s' if clients > 1 else ''}"
            report(label, load, before, metrics(place))
            wrong += Counter({key: n for key, n in load.statuses.items() if key not in FINE})
        print(f"second half: {grown(load):+.1f} MB for each 1,000 photos; wrong: {dict(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
