"""The cost model of docs/scale.md: measured inputs in scale.json -> the page's tables.

    python benchmarks/scale.py                            # prints the tables from scale.json
    python benchmarks/scale.py --measure PHOTOS FACES CROPS  # measures anew what one core takes

PHOTOS: people in face masks; FACES: bare faces, as LFW; CROPS: a crop cache. CPU seconds of this
process are counted, with one thread, so that other programs on the machine matter little. The
seconds of a job of Ray that does nothing come from benchmarks/cluster.py, by hand.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

INPUTS: Final = Path(__file__).with_suffix(".json")
COUNTS: Final = (10**6, 10**9)
CORES: Final = 1000  # for the hours of a run
GPUS: Final = (1, 8, 64)
BATCH: Final = 64  # crops of one GPU a step
LINK: Final = 12.5e9  # bytes/s between GPU machines: 100 Gbit/s


def core_hours(count: int, seconds: float) -> float:
    """Return hours of one core for `count` photos of `seconds` each."""
    return count * seconds / 3600


def inputs_table(inputs: dict[str, float]) -> list[str]:
    """Return the lines of the table of what was measured."""
    rows = [
        ("u", "`unmask`, one photo, one core", f"{1000 * inputs['unmask_core_s']:.0f} ms"),
        ("b", "`dataset build`, one photo, one core", f"{1000 * inputs['build_core_s']:.0f} ms"),
        ("d", "a pair drawn for training, one core", f"{1000 * inputs['draw_core_s']:.0f} ms"),
        ("j", "a job of Ray that does nothing", f"{1000 * inputs['empty_job_s']:.1f} ms"),
        ("p", "a photo", f"{inputs['photo_bytes'] / 1000:.0f} kB"),
        ("r", "its result", f"{inputs['result_bytes'] / 1000:.0f} kB"),
        ("c", "a crop in the cache", f"{inputs['crop_bytes'] / 1000:.0f} kB"),
    ]
    return [f"| {letter} | {words} | {value} |" for letter, words, value in rows]


def photos_table(inputs: dict[str, float]) -> list[str]:
    """Return the lines of the table for `unmask` and `dataset build`."""
    lines = [
        "| | formula | 10⁶ photos | 10⁹ photos |",
        "|---|---|---:|---:|",
    ]
    photo = inputs["unmask_core_s"] + inputs["empty_job_s"]
    built = inputs["build_core_s"] + inputs["empty_job_s"]
    shard = inputs["photo_bytes"] * inputs["shard_photos"]
    rows: list[tuple[str, str, Callable[[int], float], str]] = [
        ("`unmask`, core-hours", "n (u + j) / 3600", lambda n: core_hours(n, photo), ",.0f"),
        (
            f"… hours on {CORES} cores",
            f"the same / {CORES}",
            lambda n: core_hours(n, photo) / CORES,
            ",.2f",
        ),
        ("read, GB", "n p", lambda n: n * inputs["photo_bytes"] / 1e9, ",.0f"),
        ("written, GB", "n r", lambda n: n * inputs["result_bytes"] / 1e9, ",.0f"),
        (
            f"network on {CORES} cores, MB/s",
            f"{CORES} (p + r) / (u + j)",
            lambda _: CORES * (inputs["photo_bytes"] + inputs["result_bytes"]) / photo / 1e6,
            ",.0f",
        ),
        (
            f"shards of {inputs['shard_photos']:,.0f} photos ({shard / 1e6:.0f} MB)",
            f"n / {inputs['shard_photos']:.0f}",
            lambda n: n / inputs["shard_photos"],
            ",.0f",
        ),
        ("`dataset build`, core-hours", "n (b + j) / 3600", lambda n: core_hours(n, built), ",.0f"),
        ("crop cache, GB", "n c", lambda n: n * inputs["crop_bytes"] / 1e9, ",.0f"),
    ]
    for words, formula, value, form in rows:
        cells = " | ".join(format(value(count), form) for count in COUNTS)
        lines.append(f"| {words} | {formula} | {cells} |")
    return lines


def training_table(inputs: dict[str, float]) -> list[str]:
    """Return the lines of the table for training: what the cores and the network must give."""
    lines = [
        "| GPUs | cores that draw pairs, a GPU at 10 steps/s | gradients sent, MB a step and GPU "
        "| ms of it at 100 Gbit/s |",
        "|---:|---:|---:|---:|",
    ]
    cores = 10 * BATCH * inputs["draw_core_s"]
    for count in GPUS:
        sent = 2 * (count - 1) / count * 4 * inputs["parameters"]  # a ring's all-reduce
        lines.append(f"| {count} | {cores:.0f} | {sent / 1e6:.1f} | {1000 * sent / LINK:.2f} |")
    return lines


def measure(photos: Path, faces: Path, crops: Path, count: int) -> dict[str, float]:
    """Return what one photo takes on one core, and how large things are."""
    import cv2
    import numpy as np

    from mask2face.cleaning import Tools, centerface, cleaner, dlib_landmarks
    from mask2face.cli.results import Wanted, Work
    from mask2face.datasets import PhotoRecord
    from mask2face.feed import DrawnPairs
    from mask2face.folders import Job
    from mask2face.pipeline import Unmasker
    from mask2face.recipe import read

    cv2.setNumThreads(1)
    unmasker = Unmasker(device="cpu", threads=1)
    work = Work(unmasker, Wanted())
    found = sorted(photos.glob("*.jpg"))[:count]
    sizes: list[int] = []

    def unmask(path: Path) -> None:
        made = work(Job(path, Path(path.name), path.name), path.read_bytes(), lambda _: None)
        sizes.append(len(made.data or b""))

    clean = cleaner(Tools(centerface, dlib_landmarks, 224))
    records = [
        PhotoRecord(path, path.parent.name, "lfw", path.name)
        for path in sorted(faces.rglob("*.jpg"))[: 10 * count : 10]
    ]
    drawn = DrawnPairs(crops, read("natural"))
    rng = np.random.default_rng(0)
    return {
        "unmask_core_s": core_seconds(unmask, found),
        "build_core_s": core_seconds(clean, records),
        "draw_core_s": core_seconds(lambda at: drawn.pair("train", at, 128, rng), range(count)),
        "photo_bytes": sum(path.stat().st_size for path in found) / len(found),
        "result_bytes": sum(sizes) / len(sizes),
        "crop_bytes": 224 * 224 * 3,
        "parameters": unmasker.card.parameters,
    }


def core_seconds(work: Callable[[Any], object], items: Iterable[Any]) -> float:
    """Return the CPU seconds of one item; the first is done once more, before."""
    items = list(items)
    work(items[0])
    began = time.process_time()
    for item in items:
        work(item)
    return (time.process_time() - began) / len(items)


def main() -> None:
    """Measure if asked to, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs=3, type=Path, metavar=("PHOTOS", "FACES", "CROPS"))
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    inputs = json.loads(INPUTS.read_text(encoding="utf-8"))
    if options.measure:
        inputs |= measure(*options.measure, options.count)
        INPUTS.write_text(json.dumps(inputs, indent=1) + "\n", encoding="utf-8")
    tables = (inputs_table(inputs), photos_table(inputs), training_table(inputs))
    print("\n\n".join("\n".join(table) for table in tables))


if __name__ == "__main__":
    main()
