"""Time a folder run against a loop of single calls and against the article's pipeline.

    python benchmarks/folder_run.py PHOTOS --count 1000

PHOTOS is a folder of photos of people in face masks; where it holds fewer, they are repeated under
other names. Three runs, each in a process of its own, on the CPU:

(a) `mask2face unmask FOLDER`, timed from the start of the process to its end;
(b) a loop of single calls: read, `unmasker(photo)`, encode, write; timed without its start;
(c) the article's pipeline, one photo at a time, on the first `--article` photos: read, find faces
    (with our detector), the article's ResNet U-Net at 256 px on each face (random weights, run by
    ONNX Runtime: filters 64,128,128,256,256,512, kernels 7,7,7,3,3,3), paste the square back,
    encode, write; timed without its start.

The files of (a) and (b) are compared byte for byte. Also: CPU time of (a) over wall time and
cores, and its memory while it runs (Linux).
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from speed import article_net

from mask2face import photos
from mask2face.crew import cores, usual
from mask2face.detectors import CenterFace
from mask2face.encoding import READABLE_SUFFIXES
from mask2face.faces import alignment, cut, paste
from mask2face.pipeline import Unmasker

SIDE = 256  # px, of the article's net
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """A process at one moment: seconds since the start, CPU seconds so far, memory in MB."""

    seconds: float
    cpu: float
    memory: float


def fill(folder: Path, source: Path, count: int) -> None:
    """Copy photos of `source` into `folder` until there are `count`.

    Raises:
        SystemExit: there are none.
    """
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in READABLE_SUFFIXES)
    if not found:
        raise SystemExit(f"no photos in {source}")
    print(f"{count} photos, of {min(count, len(found))} different ones")
    for number, path in zip(range(count), itertools.cycle(found), strict=False):
        shutil.copyfile(path, folder / f"{number:05d}{path.suffix.lower()}")


def look(process: int, began: float) -> Sample:
    """Return what Linux says of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
    status = Path(f"/proc/{process}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    cpu = (int(fields[11]) + int(fields[12])) / TICKS
    return Sample(time.perf_counter() - began, cpu, int(resident.split()[1]) / 1024)


def folder_run(source: Path, out: Path, workers: int | None) -> tuple[list[Sample], float, float]:
    """Run the command; return a sample for each photo, seconds and CPU seconds of it all."""
    command = [sys.executable, "-m", "mask2face", "unmask", str(source), str(out)]
    command += ["--device", "cpu", *(["--workers", str(workers)] if workers else [])]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    samples = [look(process.pid, began) for _ in process.stdout]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return samples, time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def single_calls() -> Callable[[Path, Path], None]:
    """Return what does one photo with a call of its own."""
    unmasker = Unmasker(device="cpu")

    def one(source: Path, target: Path) -> None:
        photo = photos.read(source)
        changed, result = unmasker.restore(photo)
        format = photos.format_of(target)
        same = not result.changed and photo.found == format
        target.write_bytes(source.read_bytes() if same else photos.encode(changed, format))

    return one


def article() -> Callable[[Path, Path], None]:
    """Return what does one photo as the article does."""
    with tempfile.TemporaryDirectory() as folder:
        net = article_net(Path(folder))
    detector = CenterFace("cpu")

    def one(source: Path, target: Path) -> None:
        photo = photos.read(source)
        pixels = photo.pixels
        for face in detector(pixels):
            matrix = alignment(face, SIDE)
            crop = cut(pixels, matrix, SIDE).transpose(2, 0, 1)[None].astype(np.float32) / 255
            filled = np.clip(net.run(None, {"crops": crop})[0][0, :3], 0, 1)
            square = np.rint(filled.transpose(1, 2, 0) * 255).astype(np.uint8)
            pixels, _ = paste(pixels, square, np.ones((SIDE, SIDE), np.float32), matrix)
        changed = photos.Photo(pixels, format=photo.format)
        target.write_bytes(photos.encode(changed, photos.format_of(target)))

    return one


LOOPS = {"single": single_calls, "article": article}


def loop(kind: str, source: Path, out: Path, count: int) -> None:
    """Do the first `count` photos one after the other; print the seconds."""
    one = LOOPS[kind]()
    found = sorted(source.iterdir())[:count]
    out.mkdir(exist_ok=True)
    one(found[0], out / found[0].name)  # warm
    began = time.perf_counter()
    for path in found:
        one(path, out / path.name)
    print(time.perf_counter() - began)


def timed_loop(kind: str, source: Path, out: Path, count: int) -> float:
    """Run `loop` in a process of its own; return photos a second."""
    command = [sys.executable, __file__, str(source), "--loop", kind, str(out), str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return count / float(done.stdout.splitlines()[-1])


def differing(first: Path, second: Path) -> list[str]:
    """Return the names of files that are not in both folders with the same bytes."""
    names = sorted({path.name for folder in (first, second) for path in folder.iterdir()})
    return [
        name
        for name in names
        if not (first / name).is_file()
        or not (second / name).is_file()
        or (first / name).read_bytes() != (second / name).read_bytes()
    ]


def report(samples: list[Sample], seconds: float, cpu: float, count: int) -> None:
    """Print rate, CPU and memory of the folder run."""
    first, last = samples[0], samples[-1]
    steady = (last.cpu - first.cpu) / (last.seconds - first.seconds) / cores()
    print(f"(a) folder run: {count / seconds:.2f} photos/s ({seconds:.1f} s, start included)")
    print(f"    CPU: {100 * cpu / seconds / cores():.0f} % of {cores()} cores, ", end="")
    print(f"from the first photo to the last {100 * steady:.0f} %")
    size = max(1, len(samples) // 10)
    tenths = [samples[start : start + size] for start in range(0, len(samples), size)]
    curve = " ".join(f"{max(sample.memory for sample in tenth):.0f}" for tenth in tenths[:10])
    print(f"    memory, at most in each tenth of the photos: {curve} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--article", type=int, default=50, help="photos of run (c)")
    parser.add_argument("--workers", type=int, help="of run (a); default: its own")
    parser.add_argument("--loop", nargs=3, metavar=("KIND", "OUT", "COUNT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        kind, out, count = options.loop
        loop(kind, options.photos, Path(out), int(count))
        return
    count, few = options.count, min(options.article, options.count)
    print(f"load before: {os.getloadavg()[0]:.1f}; {options.workers or usual()} workers")
    with tempfile.TemporaryDirectory() as name:
        source, together, alone = (Path(name) / part for part in ("in", "together", "alone"))
        source.mkdir()
        fill(source, options.photos, count)
        samples, seconds, cpu = folder_run(source, together, options.workers)
        report(samples, seconds, cpu, count)
        single = timed_loop("single", source, alone, count)
        unlike = differing(together, alone)
        print(f"(b) single calls: {single:.2f} photos/s; (a) is {count / seconds / single:.2f}x")
        print(f"    files of (a) and (b): {len(unlike) or 'none'} differ {unlike[:5] or ''}")
        theirs = timed_loop("article", source, Path(name) / "article", few)
        print(f"(c) article's pipeline, {few} photos, net in ONNX Runtime: {theirs:.2f} photos/s; ")
        print(f"    (a) is {count / seconds / theirs:.1f}x")
    if unlike:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
