r"""Export a checkpoint to every target, and measure all of them beside each other in one run.

    python benchmarks/runtimes.py CHECKPOINT PAIRS \
        --json benchmarks/runtimes.json --docs docs/on-device.md

PAIRS is a pair folder with a train and a test split, to calibrate and to compare on. For each
target: size, median milliseconds a face with one and with two threads, and parity with the net.
The timed calls take turns, so that what else the machine does meets all of them alike. Core ML
files do not run outside macOS: they have a size, and no time. Writes JSON, and prints a Markdown
table, which `--docs` also puts between the marks in a page.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mask2face import checkpoint, devices
from mask2face.errors import MissingExtraError, ModelError
from mask2face.exporters import EXPORTERS, Exported, Faces, cost, parity, read_faces
from mask2face.exporters.contract import PORTS
from mask2face.exporters.parity import Floats, Restore
from mask2face.nets.extras import extra_of
from mask2face.restorer import OUTPUT, ModelCard

THREADS = (1, 2)
SUFFIXES = {"coreml": ".mlpackage", "ncnn": ".param", "litert": ".tflite", "litert-int8": ".tflite"}
MARKS = ("<!-- runtimes -->", "<!-- /runtimes -->")
HEAD = (
    "| runtime | MB | ms, 1 thread | ms, 2 threads | largest error | mean error "
    "| hole PSNR lost, dB | hole IoU lost |"
)


def exported(
    net: torch.nn.Module, card: ModelCard, folder: Path, faces: Faces
) -> dict[str, Exported | str]:
    """Return what each target wrote, or why it did not."""
    made: dict[str, Exported | str] = {}
    for name, export in EXPORTERS.items():
        print(f"exporting {name}", file=sys.stderr)
        path = folder / f"{card.name}-{name}{SUFFIXES.get(name, '.onnx')}"
        try:
            made[name] = export(net, card, path, faces=faces)
        except (MissingExtraError, ModelError) as error:
            made[name] = str(error)
    return made


def runner(name: str, path: Path, threads: int) -> Restore | None:
    """Return a target's file in its own runtime; None where it does not run here."""
    if name.startswith("onnx"):
        session = devices.session(path, "cpu", threads)

        def run(crops: Floats, vectors: Floats | None) -> Floats:
            ports = [port.name for port in session.get_inputs()]
            given = [crops] if vectors is None else [crops, vectors]
            result = session.run([OUTPUT], dict(zip(ports, given, strict=True)))[0]
            return np.asarray(result, np.float32)

        return run
    if name.startswith("litert"):
        from mask2face.formats import litert_file

        return litert_file.Session(path.read_bytes(), PORTS, threads)
    if name == "ncnn":
        from mask2face.formats import ncnn

        return ncnn.Session(path, PORTS, threads)
    return None


def of_torch(net: torch.nn.Module, threads: int) -> Restore:
    """Return the net itself on so many threads."""
    restore = parity.of_net(net)

    def run(crops: Floats, vectors: Floats | None) -> Floats:
        torch.set_num_threads(threads)
        return restore(crops, vectors)

    return run


def taken(calls: Mapping[Any, Callable[[], Any]], rounds: int) -> dict[Any, float]:
    """Return the median milliseconds of each call; they take turns, after one round to warm up."""
    times: dict[Any, list[float]] = {key: [] for key in calls}
    for turn in range(rounds + 1):
        for key, call in calls.items():
            began = time.perf_counter()
            call()
            if turn:
                times[key].append(1000 * (time.perf_counter() - began))
    return {key: statistics.median(values) for key, values in times.items()}


def measure(weights: Path, pairs: Path, count: int, rounds: int) -> dict[str, Any]:
    """Return all figures, as the JSON file holds them."""
    about, net = checkpoint.load(weights)
    faces = read_faces(pairs, about.side, count, extra_of(net))
    size = cost(net, about.side)
    card = ModelCard(
        "model", "0", about.side, about.net, size.parameters, size.gmac, "MIT", "-", "-",
        embedder=Path(about.embedder).name,
    )  # fmt: skip
    crop = faces.crops[:1]
    vector = None if faces.vectors is None else faces.vectors[:1]
    with tempfile.TemporaryDirectory() as folder:
        made = exported(net, card, Path(folder), faces)
        runs: dict[tuple[str, int], Restore | None] = {
            ("torch", threads): of_torch(net, threads) for threads in THREADS
        }
        for name, one in made.items():
            if isinstance(one, Exported):
                runs |= {(name, threads): runner(name, one.path, threads) for threads in THREADS}
        calls = {
            key: (lambda run=run: run(crop, vector)) for key, run in runs.items() if run is not None
        }
        times = taken(calls, rounds)
    rows = [row("torch", None, times) | {"bytes": weights.stat().st_size}]
    rows += [row(name, one, times) for name, one in made.items()]
    return {
        "made": datetime.now(UTC).date().isoformat(),
        "net": about.net,
        "side": about.side,
        "gmac": round(size.gmac, 3),
        "faces": len(faces.crops),
        "rounds": rounds,
        "machine": machine(),
        "rows": rows,
    }


def row(name: str, made: Exported | str | None, times: Mapping[Any, float]) -> dict[str, Any]:
    """Return a target's figures."""
    found: dict[str, Any] = {"runtime": name}
    for threads in THREADS:
        if (name, threads) in times:
            found[f"ms_{threads}"] = round(times[name, threads], 2)
    if isinstance(made, str):
        found["missing"] = made
    elif made is not None:
        found["bytes"] = made.size
        if made.parity is not None:
            found["parity"] = asdict(made.parity)
    return found


def machine() -> str:
    """Return the processor's name and how many of its cores there are."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        name = next((one.partition(":")[2].strip() for one in lines if "model name" in one), name)
    return f"{name}, {os.cpu_count()} cores"


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        f"`{figures['net']}`, crops of {figures['side']} px, {figures['gmac']:.2f} GMAC, "
        f"{figures['faces']} held-out faces, median of {figures['rounds']} rounds in which all "
        f"took turns, {figures['machine']}, {figures['made']}.",
        "",
        HEAD,
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in figures["rows"]:
        if "missing" in one:
            lines.append(f"| {one['runtime']} | not made here |||||||")
            continue
        times = [f"{one[f'ms_{n}']:.1f}" if f"ms_{n}" in one else "not run here" for n in THREADS]
        found = one.get("parity")
        numbers = ["–"] * 4
        if found:
            numbers = [f"{found[key]:.1e}" for key in ("max_error", "mean_error")]
            # a minus only where the file is better by what is shown
            numbers += [f"{round(found['psnr_drop'], 3) + 0:.3f}"]
            numbers += [f"{round(found['iou_drop'], 4) + 0:.4f}"]
        cells = [one["runtime"], f"{one['bytes'] / 1e6:.1f}", *times, *numbers]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def put(page: str, text: str) -> str:
    """Return `page` with `text` between its marks.

    Raises:
        ValueError: it does not have both marks once.
    """
    if any(page.count(mark) != 1 for mark in MARKS):
        raise ValueError(f"the page must have {' and '.join(MARKS)} once")
    before, rest = page.split(MARKS[0])
    return f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--faces", type=int, default=parity.LEAST)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", type=Path, help="the file to write")
    parser.add_argument("--docs", type=Path, help="the page to put the table into")
    given = parser.parse_args()
    figures = measure(given.checkpoint, given.pairs, given.faces, given.rounds)
    text = table(figures)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if given.docs:
        given.docs.write_text(put(given.docs.read_text("utf-8"), text), encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
