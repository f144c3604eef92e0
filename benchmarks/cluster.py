"""Time `--engine ray` against the local engine: photos a second, start apart, overhead a photo.

    python benchmarks/cluster.py PHOTOS --count 200

PHOTOS is a folder of photos of people in face masks; where it holds fewer, they are repeated under
other names. Four runs of the whole command, twice each, on `--few` photos and on all of them: the
difference says the photos a second, what is left of the short run is the start.

- one core: local with one worker and Ray with one, both bound to the same core (Linux), Ray's own
  processes too;
- all cores: local and Ray with a worker a core.

All files are compared byte for byte. Last, jobs that do nothing go through a cluster of one worker
and of one a core: what Ray costs a job where nothing else does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from folder_run import differing, fill

from mask2face.cluster.engine import in_order
from mask2face.cluster.session import session
from mask2face.crew import cores


@dataclass(frozen=True)
class Run:
    """One engine: photos a second once it runs, and the seconds before."""

    engine: str
    workers: int
    rate: float
    start: float


def timed(source: Path, out: Path, engine: str, workers: int) -> float:
    """Run the command; return its seconds.

    Raises:
        SystemExit: it failed.
    """
    command = [sys.executable, "-m", "mask2face", "unmask", str(source), str(out)]
    command += ["--device", "cpu", "--engine", engine, "--workers", str(workers)]
    bound = {0} if workers == 1 else set(range(cores()))
    began = time.perf_counter()
    done = subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, bound),
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return time.perf_counter() - began


def measured(folder: Path, few: int, many: int, engine: str, workers: int) -> Run:
    """Time an engine on few photos and on all of them."""
    name = f"{engine}{workers}"
    short = timed(folder / "few", folder / f"{name}-few", engine, workers)
    long = timed(folder / "all", folder / name, engine, workers)
    rate = (many - few) / (long - short)
    return Run(engine, workers, rate, short - few / rate)


def nothing() -> Callable[[int], int]:
    """Return work that takes no time."""
    return abs


def empty_jobs(workers: int, count: int = 4000) -> float:
    """Return the seconds of a job that does nothing, between the first result and the last."""
    with session(workers):
        results = in_order(nothing, range(count), workers, lost=abs)
        next(results)
        began = time.perf_counter()
        for _ in results:
            pass
        return (time.perf_counter() - began) / count


def report(runs: list[Run], jobs: dict[int, float]) -> None:
    """Print the table and what Ray costs."""
    print("| engine | workers | photos/s | start, s |\n|---|---:|---:|---:|")
    for run in runs:
        print(f"| {run.engine} | {run.workers} | {run.rate:.2f} | {run.start:.1f} |")
    for local, ray in zip(runs[::2], runs[1::2], strict=True):
        cost = 1000 * ray.workers * (1 / ray.rate - 1 / local.rate)
        share = 100 * (ray.rate / local.rate - 1)
        print(f"{ray.workers} workers: Ray {share:+.1f} %, {cost:+.1f} core-ms a photo;", end=" ")
        print(f"a job that does nothing takes {1000 * jobs[ray.workers]:.2f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f}, {cores()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, count in (("few", options.few), ("all", options.count)):
            (folder / part).mkdir()
            fill(folder / part, options.photos, count)
        runs = [
            measured(folder, options.few, options.count, engine, workers)
            for workers in dict.fromkeys((1, cores()))
            for engine in ("local", "ray")
        ]
        unlike = [
            file
            for run in runs
            for file in differing(folder / "local1", folder / f"{run.engine}{run.workers}")
        ]
    jobs = {workers: empty_jobs(workers) for workers in dict.fromkeys((1, cores()))}
    report(runs, jobs)
    print(f"files of all runs: {len(unlike) or 'none'} differ {unlike[:5] or ''}")
    if options.json:
        figures = {"runs": [asdict(run) for run in runs], "empty_job": jobs}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if unlike:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
