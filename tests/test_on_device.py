"""docs/on-device.md: its worked example is what the program computes, its table what was run."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mask2face import devices, hole_weights
from mask2face.faces import (
    EYE_DISTANCE,
    EYES_X,
    EYES_Y,
    SIDE_PER_HEIGHT,
    Face,
    alignment,
    transform,
)
from mask2face.provenance import SOURCE_TYPE
from mask2face.restorer import CARD_KEY, INPUT, OUTPUT, find_model

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "on-device.md").read_text(encoding="utf-8")
SIDE = 128


def table(mark):
    """Return the numbers of the table under a mark, row by row."""
    lines = TEXT.split(f"<!-- {mark} -->")[1].strip().split("\n\n")[0].splitlines()[2:]
    return [[float(one) for one in re.findall(r"-?\d+\.?\d*", line)] for line in lines]


@pytest.fixture(scope="module")
def matrix():
    eyes = re.search(r"Eyes at \((\d+), (\d+)\) and \((\d+), (\d+)\), a box (\d+) px high", TEXT)
    x0, y0, x1, y1, height = map(float, eyes.groups())
    points = np.array([[x0, y0], [x1, y1], [0, 0], [0, 0], [0, 0]], np.float32)
    return alignment(Face((0, 0, 1, height), points), SIDE)


@pytest.fixture(scope="module")
def restored():
    y, x = np.indices((SIDE, SIDE), np.float32)
    crop = np.stack([x / SIDE, y / SIDE, np.full_like(x, 0.5)])
    crop[:, 64:112, 32:96] = 0.9
    return devices.session(find_model("natural"), "cpu", 1).run([OUTPUT], {INPUT: crop[None]})[0][0]


def test_the_matrix_is_the_one_that_cuts(matrix):
    assert np.abs(np.array(table("matrix")) - matrix).max() < 6e-7


def test_the_points_are_where_the_matrix_takes_them(matrix):
    rows = np.array(table("points"))
    assert np.abs(transform(rows[:, :2], matrix) - rows[:, 2:]).max() < 6e-4


def test_the_shipped_model_gives_the_outputs(restored):
    rows = table("outputs")
    assert len(rows) == 6
    for x, y, *wanted in rows:
        found = restored[:, int(y), int(x)]
        assert np.abs(found - wanted).max() < 1e-3, (
            f"natural.onnx gives {found.round(4)} at column {x:.0f}, row {y:.0f}: if its weights "
            "are new, put the new numbers into docs/on-device.md"
        )


def test_the_share_and_the_certainty(restored):
    said = re.search(r"<!-- share -->(\S+) of the crop .* mean probability of (\d\.\d+):", TEXT)
    _, share = hole_weights.soft_hole(restored[3])
    found = np.array([share, hole_weights.certainty(restored[3])])
    assert np.abs(found - [float(one) for one in said.groups()]).max() < 1.5e-3
    assert share >= hole_weights.LEAST_HOLE
    assert found[1] >= hole_weights.LEAST_CERTAINTY


def test_the_constants_are_those_of_the_program():
    for said in (
        f"d / {EYE_DISTANCE}",
        f"{SIDE_PER_HEIGHT} × height",
        f"[[a, b, {EYES_X} S − a x − b y], [−b, a, {EYES_Y} S + b x − a y]]",
        f"smaller than {hole_weights._LEAST_PIECE} of",
        f"less than {hole_weights.LEAST_HOLE} of",
        f"is below {hole_weights.LEAST_CERTAINTY},",
        f"radius round({hole_weights._REACH} S)",
        f"σ = {hole_weights._FEATHER} S",
        f"outermost {hole_weights._BORDER} S",
        f"`{INPUT}`, in",
        f"`{OUTPUT}`, out",
        f"`{CARD_KEY}`",
        SOURCE_TYPE,
    ):
        assert said in re.sub(r"\s+", " ", TEXT), said


def test_what_was_not_run_says_so():
    for part in re.split(r"^## ", TEXT, flags=re.MULTILINE):
        if "```kotlin" in part or "```swift" in part:
            assert "Not run here" in part
    assert "**no phone was measured**" in re.sub(r"\s+", " ", TEXT)
    assert "reveal" not in TEXT


def test_the_table_is_the_one_that_was_measured():
    path = ROOT / "benchmarks" / "runtimes.py"
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("benchmarks_runtimes_docs", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    del sys.modules[spec.name]
    figures = json.loads((ROOT / "benchmarks" / "runtimes.json").read_text(encoding="utf-8"))
    assert module.put(TEXT, module.table(figures)) == TEXT
