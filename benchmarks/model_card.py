"""Reports of `mask2face evaluate` -> docs/model-card.md: what the shipped models are, and how good.

    python benchmarks/model_card.py natural=REPORT faithful=REPORT --out docs/model-card.md
        [--real natural=REAL ...] [--bare natural=BARE ...] [--models DIR]

REPORT, REAL and BARE are folders that `evaluate` and `evaluate --real` wrote; NAME is that of a
model in the package, or in DIR, whose version must be the report's; NAME-int8 is its twin in the
folder int8 there. No path goes into the page.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from model_card_page import INPUT, OWN, Entry, page
from model_card_tables import Facts
from twins import TWIN, released

from mask2face import metrics
from mask2face.errors import DataError, Mask2FaceError, UsageError
from mask2face.files import write
from mask2face.recipe import shipped
from mask2face.registry import lookup
from mask2face.restorer import Restorer, shipped_models


def entry(name: str, path: Path, report: Path, real: Path | None, bare: Path | None) -> Entry:
    """Read what was measured of the model `name` in `path`.

    Raises:
        DataError: a report is missing, broken, or of another version than the model.
        ModelError: the model is broken.
    """
    card = Restorer(path, "cpu").card
    facts = read(report / "report.json")
    version = facts["model"]["version"]
    if version != card.version:
        raise DataError(
            f"{str(report)!r} is of version {version!r}, the model {name} is of "
            f"{card.version!r}: run  mask2face evaluate {path} TEST {report} --overwrite"
        )
    recipe = shipped().get(name)
    return Entry(
        name,
        card,
        path.stat().st_size,
        facts,
        recipe=read(recipe) if recipe else None,
        nearer=nearer(report / "scores.jsonl"),
        real=read(real / "real.json") if real else None,
        bare=read(bare / "real.json") if bare else None,
    )


def found(folder: Path) -> dict[str, Path]:
    """Return the models in a folder of released ones by their names."""
    names = [path.stem for path in sorted(folder.glob("*.onnx"))]
    paths = {name: released(folder, name) for stem in names for name in (stem, stem + TWIN)}
    return {name: path for name, path in paths.items() if path.exists()}


def nearer(path: Path) -> Facts | None:
    """Return by how much the result is nearer to the truth than the masked photo, in identity.

    Args:
        path: of a report's `scores.jsonl`.

    Returns:
        Mean of the differences, pair by pair, with a 95 % interval over people; None where the
        report has no identity distances.
    """
    key = "identity_distance"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    both = [(row[INPUT].get(key), row[OWN].get(key), row["identity"]) for row in rows]
    known = [(old - new, who) for old, new, who in both if old is not None and new is not None]
    known = [(gain, who) for gain, who in known if np.isfinite(gain)]
    if not known:
        return None
    gains, people = zip(*known, strict=True)
    return asdict(metrics.estimate(gains, people))


def read(path: Path) -> Facts:
    """Read a JSON object.

    Raises:
        DataError: it is missing or broken.
    """
    try:
        facts: Facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} is missing or broken: {error}") from error
    return facts


def named(texts: Sequence[str]) -> dict[str, Path]:
    """Return NAME=FOLDER, each name once.

    Raises:
        UsageError: it is written otherwise.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, _, folder = text.partition("=")
        if not folder or name in found:
            raise UsageError(f"{text!r}: give NAME=FOLDER, each name once")
        found[name] = Path(folder)
    return found


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="+", metavar="NAME=REPORT")
    parser.add_argument("--real", action="append", default=[], metavar="NAME=REAL")
    parser.add_argument("--bare", action="append", default=[], metavar="NAME=BARE")
    parser.add_argument("--models", type=Path, help="folder of NAME.onnx; default: the package's")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    try:
        reports, real, bare = named(given.reports), named(given.real), named(given.bare)
        for name in (*real, *bare):
            lookup("report", reports, name)
        models = found(given.models or next(iter(shipped_models().values())).parent)
        entries = [
            entry(name, lookup("model", models, name), path, real.get(name), bare.get(name))
            for name, path in reports.items()
        ]
        write(page(entries).encode(), given.out, overwrite=True)
    except Mask2FaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
