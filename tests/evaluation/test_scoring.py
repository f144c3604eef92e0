"""The report on pairs: a perfect model, a blind one, sizes, refusals."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError, MissingExtraError, ModelError, OutputError
from mask2face.evaluation import PairStack, composite, evaluate
from mask2face.evaluation.report import train_split
from mask2face.faces import Face
from mask2face.mean_face import guess
from mask2face.pairs import Pair, PairWriter
from mask2face.restorer import ModelCard

SIDE = 64
FACE = Face(
    (14, 8, 50, 60),
    np.array([[24, 26], [40, 26], [32, 36], [26, 44], [38, 44]], np.float32),
)


class Model:
    """Answers from a table of crops, as a model that knows the truth would."""

    def __init__(self, inputs, outputs, holes, side=SIDE) -> None:
        self.card = ModelCard("told", "1", side, "table", 5, 0.5, "MIT", "none", "none")
        self.table = {
            key.tobytes(): (value, hole)
            for key, value, hole in zip(inputs, outputs, holes, strict=True)
        }
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, crops):
        self.seen.append(crops.shape)
        found = [self.table[crop.tobytes()] for crop in crops]
        return np.stack([one for one, _ in found]), np.stack([hole for _, hole in found])


@pytest.fixture
def stack(astronaut_photo: Callable[..., NDArray[np.uint8]]) -> PairStack:
    outputs = np.stack(
        [cv2.resize(astronaut_photo(seed)[40:210, 40:210], (SIDE, SIDE)) for seed in range(12)]
    )
    holes = np.zeros((12, SIDE, SIDE), np.float32)
    holes[:10, 36:60, 14:50] = 1
    inputs = outputs.copy()
    inputs[holes > 0] = (30, 90, 200)
    styles = ("surgical",) * 6 + ("cloth",) * 4 + ("bare",) * 2
    points = np.random.default_rng(0).uniform(16, 48, (12, 68, 2)).astype(np.float32)
    return PairStack(inputs, outputs, holes, tuple("abcdabcdabcd"), styles, points)


@pytest.fixture
def train(stack: PairStack) -> PairStack:
    return replace(stack, identities=tuple(f"train {i}" for i in range(len(stack))))


def test_a_model_that_knows_the_truth(stack, train, tmp_path: Path) -> None:
    model = Model(stack.inputs, stack.outputs, stack.holes)
    near = replace(stack, outputs=np.clip(stack.outputs, 2, 253))  # so that no PSNR is infinite
    found = evaluate(model, near, tmp_path, train=train, command="mask2face evaluate told")
    assert found["hole_iou"]["mean"] == 1
    assert found["bare"] == {
        "pairs": 2,
        "left_alone": {"mean": 1.0, "low": 1.0, "high": 1.0, "count": 2},
    }
    assert found["masked_pairs"] == 10
    assert found["people"] == 4
    assert found["hole_fraction"]["mean"] == pytest.approx(24 * 36 / SIDE**2)
    methods = found["methods"]
    assert set(methods) == {
        "masked input",
        "OpenCV Telea",
        "mean face",
        "ridge/PCA",
        "PPCA, hole by hole",
        "model, true hole",
        "model, its own hole",
    }
    assert methods["model, true hole"]["hole_ssim"]["mean"] > 0.99
    assert methods["masked input"]["hole_psnr"]["mean"] < 15
    assert found["slices"]["style"].keys() == {"surgical", "cloth"}
    assert found["slices"]["style"]["cloth"]["pairs"] == 4
    for kind, labels in found["slices"].items():
        assert sum(one["pairs"] for one in labels.values()) == found["masked_pairs"], kind


def test_files_of_the_report(stack, train, tmp_path: Path) -> None:
    model = Model(stack.inputs, np.full_like(stack.outputs, 128), stack.holes)
    found = evaluate(model, stack, tmp_path / "out", train=train, command="the command")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        *("report.json", "report.md", "scores.jsonl"),
        *("best.png", "median.png", "worst.png"),
    }
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == found
    text = (tmp_path / "out" / "report.md").read_text()
    for part in ("the command", "ridge/PCA", "hole PSNR", "surgical", "invented, not recovered"):
        assert part in text
    assert "nan" not in text
    lines = (tmp_path / "out" / "scores.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 12
    assert rows[11]["masked input"]["hole_psnr"] is None  # a bare face
    mean = np.mean([row["model, true hole"]["hole_psnr"] for row in rows[:10]])
    assert mean == pytest.approx(
        found["methods"]["model, true hole"]["hole_psnr"]["mean"], abs=1e-4
    )
    margin = mean - found["methods"]["ridge/PCA"]["hole_psnr"]["mean"]
    assert found["margin_over_ridge_pca"]["mean"] == pytest.approx(margin, abs=1e-4)
    with Image.open(tmp_path / "out" / "worst.png") as panel:
        assert panel.width == 4 * 160


def test_a_model_with_a_second_input_is_scored_by_its_likeliest_faces(
    stack, tmp_path: Path, tiny_model: Path, with_extra: Callable[..., Path]
) -> None:
    few = stack.first(3)
    noisy = with_extra(tiny_model, tmp_path / "noisy.onnx")
    one, two = (evaluate(path, few, tmp_path / path.stem) for path in (tiny_model, noisy))
    assert one["methods"] == two["methods"]


def test_numbers_by_hand(stack, tmp_path: Path) -> None:
    truth = np.full_like(stack.outputs, 100)
    inputs = truth.copy()
    inputs[stack.holes > 0] = 0
    pairs = replace(stack, inputs=inputs, outputs=truth)
    restored = np.full_like(truth, 151)
    holes = stack.holes.copy()
    holes[:, 48:] = 0  # finds the upper half of each hole only
    table = Model(inputs[:1], restored[:1], holes[:1])
    table.table |= Model(inputs[10:11], restored[10:11], holes[10:11]).table
    found = evaluate(table, pairs, tmp_path)
    assert found["methods"]["model, true hole"]["hole_psnr"]["mean"] == pytest.approx(
        20 * np.log10(5)
    )
    assert found["methods"]["model, true hole"]["hole_l1"]["mean"] == pytest.approx(0.2)
    own = found["methods"]["model, its own hole"]["hole_l1"]["mean"]
    assert own == pytest.approx((0.2 + 100 / 255) / 2)
    assert found["hole_iou"]["mean"] == pytest.approx(0.5)
    assert "margin_over_ridge_pca" not in found
    assert found["train_pairs"] == 0


def test_a_smaller_model_is_scored_at_the_size_of_the_pairs(stack, tmp_path: Path) -> None:
    class Half:
        card = ModelCard("half", "1", SIDE // 2, "none", 0, 0.0, "MIT", "none", "none")

        def __call__(self, crops):
            assert crops.shape[1:] == (SIDE // 2, SIDE // 2, 3)
            return crops, np.ones(crops.shape[:3], np.float32)

    found = evaluate(Half(), stack, tmp_path)
    assert found["side"] == SIDE
    assert found["model"]["side"] == SIDE // 2
    assert found["methods"]["model, its own hole"]["hole_psnr"]["count"] == 10


def test_soften_decides_where_the_paste_goes(stack, tmp_path: Path) -> None:
    model = Model(stack.inputs, np.full_like(stack.outputs, 128), stack.holes)
    found = evaluate(model, stack, tmp_path, soften=lambda hole: np.zeros_like(hole))
    methods = found["methods"]
    assert found["bare"]["left_alone"]["mean"] == 1
    assert methods["model, its own hole"] == methods["masked input"]
    assert found["hole_iou"]["mean"] == 1  # of the probability itself


def test_only_bare_faces(stack, tmp_path: Path) -> None:
    bare = replace(stack, inputs=stack.outputs, holes=np.zeros_like(stack.holes))
    found = evaluate(Model(bare.inputs, bare.outputs, bare.holes), bare, tmp_path)
    assert found["masked_pairs"] == 0
    assert found["bare"]["left_alone"]["mean"] == 1
    assert "–" in (tmp_path / "report.md").read_text()
    json.loads((tmp_path / "report.json").read_text())


def test_limit(stack, tmp_path: Path) -> None:
    model = Model(stack.inputs, stack.inputs, stack.holes)
    assert evaluate(model, stack, tmp_path, limit=3)["pairs"] == 3


def test_identity_distances(stack, tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    if importlib.util.find_spec("face_recognition_models") is None:
        pytest.skip("face_recognition_models is not installed")
    points = guess(FACE)
    told = replace(stack, landmarks=np.repeat(points[None], 12, axis=0)).first(3)
    model = Model(told.inputs, told.outputs, told.holes)
    methods = evaluate(model, told, tmp_path, identity=True)["methods"]
    assert methods["model, true hole"]["identity_distance"]["mean"] == pytest.approx(0, abs=1e-6)
    assert methods["masked input"]["identity_distance"]["mean"] > 0.2
    assert "descriptor distance" in (tmp_path / "report.md").read_text()


def test_pair_folder(stack, tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    writer = PairWriter(folder, SIDE, {"seed": 0})
    for index in range(12):
        pair = Pair(
            stack.inputs[index],
            stack.outputs[index],
            stack.holes[index],
            stack.styles[index],
            {},
            np.zeros((68, 2), np.float32),
        )
        who, split = (("x", "test"), ("y", "train"))[index % 2]
        writer.write(f"{index:03d}", pair, identity=who, dataset="none", split=split)
    writer.finish()
    model = Model(stack.inputs, stack.outputs, stack.holes)
    found = evaluate(model, folder, tmp_path / "out")
    assert found["pairs"] == 6
    assert found["train_pairs"] == 6
    assert "ridge/PCA" in found["methods"]
    with pytest.raises(DataError, match="'validation'"):
        evaluate(model, folder, tmp_path / "two", split="validation")
    found = evaluate(model, folder, tmp_path / "three", split="train")
    assert (found["pairs"], found["train_pairs"]) == (6, 0), "not scored on what it learned from"
    assert len(train_split(folder, needed=True)) == 6


def test_pairs_without_a_train_split_are_told(tmp_path: Path) -> None:
    writer = PairWriter(tmp_path / "pairs", SIDE, {"seed": 0})
    blank = np.zeros((SIDE, SIDE, 3), np.uint8)
    pair = Pair(blank, blank, np.zeros((SIDE, SIDE)), "bare", {}, np.zeros((68, 2), np.float32))
    writer.write("000", pair, identity="x", dataset="none", split="test")
    writer.finish()
    assert train_split(tmp_path / "pairs") is None
    with pytest.raises(DataError, match=r"no train pairs.*--split train"):
        train_split(tmp_path / "pairs", needed=True)


class TestRefusals:
    def test_existing_report(self, stack, tmp_path: Path) -> None:
        (tmp_path / "report.json").write_text("precious")
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(OutputError, match="holds a report"):
            evaluate(model, stack, tmp_path)
        assert (tmp_path / "report.json").read_text() == "precious"
        evaluate(model, stack, tmp_path, overwrite=True)
        assert json.loads((tmp_path / "report.json").read_text())["pairs"] == 12

    def test_the_same_person_in_train_and_test(self, stack, tmp_path: Path) -> None:
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(DataError, match="4 people are in both"):
            evaluate(model, stack, tmp_path, train=stack)

    def test_missing_pair_folder_and_model(self, stack, tmp_path: Path) -> None:
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(DataError, match="does not exist"):
            evaluate(model, tmp_path / "none", tmp_path / "out")
        with pytest.raises(ModelError, match="does not exist"):
            evaluate(tmp_path / "none.onnx", stack, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_out_is_a_file(self, stack, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("x")
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(OutputError, match="cannot write"):
            evaluate(model, stack, path)

    def test_identity_without_landmarks(self, stack, tmp_path: Path) -> None:
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(DataError, match="landmarks"):
            evaluate(model, replace(stack, landmarks=None), tmp_path, identity=True)

    def test_identity_without_dlib(self, stack, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "dlib", None)
        model = Model(stack.inputs, stack.outputs, stack.holes)
        with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
            evaluate(model, stack, tmp_path, identity=True)

    @pytest.mark.parametrize(
        "change",
        [
            {"outputs": np.zeros((12, 8, 8, 3), np.uint8)},
            {"outputs": np.zeros((12, SIDE, SIDE, 3), np.float32)},
            {"holes": np.zeros((11, SIDE, SIDE), np.float32)},
            {"identities": ("a",)},
            {"landmarks": np.zeros((12, 5, 2), np.float32)},
            {"inputs": np.zeros((0, SIDE, SIDE, 3), np.uint8)},
        ],
    )
    def test_stacks_that_do_not_fit(self, stack, change) -> None:
        with pytest.raises(DataError):
            replace(stack, **change)


def test_composite_keeps_every_pixel_outside() -> None:
    rng = np.random.default_rng(0)
    inputs, restored = rng.integers(0, 256, (2, 2, 9, 9, 3), dtype=np.uint8)
    holes = (rng.random((2, 9, 9)) * (rng.random((2, 9, 9)) > 0.5)).astype(np.float32)
    made = composite(inputs, restored, holes)
    assert (made[holes == 0] == inputs[holes == 0]).all()
    np.testing.assert_array_equal(composite(inputs, restored, np.ones_like(holes)), restored)
    wanted = inputs + holes[..., None] * (restored.astype(float) - inputs)
    assert np.abs(made - wanted).max() <= 0.5 + 1e-4
