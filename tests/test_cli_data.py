"""The commands from photos to a scored model, on a few small pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from mask2face import pair_embeddings, provenance
from mask2face.cli import app
from mask2face.cli.training import _metrics
from mask2face.crops import CropCache
from mask2face.errors import UsageError
from mask2face.pairs import PairFolder
from mask2face.restorer import Restorer

RECIPE = {
    "net": "face_filler",
    "options": {"filters": [8, 16], "dilations": [1]},
    "echo": 1,
    "chunk": 8,
    "validate_every": 2,
    "validation": 2,
    "phases": [{"side": 32, "steps": 4, "batch": 2, "rate": 1e-3, "losses": {"mae": 1.0}}],
}


def run(*arguments):
    return CliRunner().invoke(app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def lfw(tmp_path_factory):
    from skimage import data

    # five people: the same face, which is enough for files and splits
    root = tmp_path_factory.mktemp("lfw")
    face = Image.fromarray(data.astronaut()).crop((100, 0, 350, 250))
    for person in range(5):
        for number in (1, 2):
            path = root / f"P_{person}" / f"P_{person}_{number:04d}.jpg"
            path.parent.mkdir(exist_ok=True)
            face.rotate(3 * person - 6 * number).save(path, quality=95)
    return root


@pytest.fixture(scope="module")
def cache(lfw, tmp_path_factory):
    pytest.importorskip("dlib")
    out = tmp_path_factory.mktemp("crops") / "cache"
    done = run("dataset", "build", f"lfw={lfw}", out, "--test", 4, "--workers", 0)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{out}  10 crops: ")
    return out


@pytest.fixture(scope="module")
def pair_folder(cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("pairs") / "test"
    done = run("dataset", "pairs", cache, out, "--side", 32, "--count", 3, "--seed", 5)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}  3 pairs of 32 px: 3 test\n"
    return out


def test_a_crop_cache_is_built(cache):
    counts = CropCache.open(cache).meta["counts"]
    assert counts["test"] == 4
    assert counts["validation"] > 0
    assert sum(counts.values()) == 10


def test_kind_and_root_may_stand_apart(lfw, tmp_path):
    pytest.importorskip("dlib")
    done = run(
        "dataset", "build", "lfw", lfw, tmp_path / "c", "--limit", 2, "--test", 0, "--workers", 0
    )
    assert done.exit_code == 0, done.output
    assert len(CropCache.open(tmp_path / "c")) == 2


def test_pairs_are_frozen(pair_folder):
    folder = PairFolder.open(pair_folder)
    assert len(folder.of("test")) == 3
    assert folder.side == 32


@pytest.fixture(scope="module")
def all_pairs(cache, tmp_path_factory):
    """Pairs of all splits, with face embeddings."""
    out = tmp_path_factory.mktemp("pairs") / "all"
    options = ["--side", 32, "--count", 2, "--seed", 5, "--workers", 0]
    done = run("dataset", "pairs", cache, out, "--split", "all", *options)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}  6 pairs of 32 px: 2 train, 2 validation, 2 test\n"
    done = run("dataset", "embed", out, "--workers", 0)
    assert done.stdout == f"{out}  6 pairs, 128 numbers a face, by dlib\n"
    return out


def test_pairs_of_all_splits_are_in_one_folder(all_pairs, pair_folder):
    folder, test = PairFolder.open(all_pairs), PairFolder.open(pair_folder)
    assert folder.of("test") == test.of("test")[:2], "drawn as they are when drawn alone"
    assert [len(folder.of(split)) for split in ("train", "validation")] == [2, 2]


def test_splits_by_name(cache, tmp_path):
    options = ["--side", 32, "--count", 1, "--workers", 0]
    done = run("dataset", "pairs", cache, tmp_path / "a", "--split", "train, test", *options)
    assert done.stdout == f"{tmp_path / 'a'}  2 pairs of 32 px: 1 train, 1 test\n"
    for split, message in (
        ("trian", "did you mean 'train'"),
        ("train,train", "each split once"),
        ("all,test", "all alone"),
        ("", "unknown split ''"),
    ):
        done = run("dataset", "pairs", cache, tmp_path / "b", "--split", split)
        assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "b").exists()


def test_all_splits_are_those_that_have_crops(crop_cache, tmp_path):
    cache = crop_cache(tmp_path / "cache", train=2, validation=1)
    options = ["--split", "all", "--side", 32, "--workers", 0]
    done = run("dataset", "pairs", cache, tmp_path / "p", *options)
    assert done.stdout == f"{tmp_path / 'p'}  3 pairs of 32 px: 2 train, 1 validation\n"


def test_a_net_that_wants_faces_goes_the_whole_way(all_pairs, lfw, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    options = {"filters": [4, 8], "kernels": [3, 3], "embeddings": ["face"]}
    Path("recipe.json").write_text(json.dumps(RECIPE | {"net": "resnet_unet", "options": options}))
    how = ["--recipe", "recipe.json", "--workers", 0, "--device", "cpu"]
    done = run("train", all_pairs, "run", *how)
    assert done.exit_code == 0, done.output
    done = run("export", "run/best.safetensors", "face.onnx")
    assert done.exit_code == 0, done.output
    assert Restorer("face.onnx").card.embedder == "dlib"
    done = run("unmask", lfw / "P_0" / "P_0_0001.jpg", "out.jpg", "--model", "face.onnx")
    assert done.exit_code == 0, done.output
    assert "1 face" in done.stdout


def test_embeddings_are_replaced_only_when_asked(all_pairs, monkeypatch):
    found = pair_embeddings.read(all_pairs)
    assert found.embedder == "dlib"
    assert found.vectors.shape == (6, 2, 128)
    again = run("dataset", "embed", all_pairs, "--workers", 0)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    calls = []

    def embed(*arguments, **options):
        calls.append((*arguments, options))
        return found

    monkeypatch.setattr(pair_embeddings, "embed", embed)
    assert run("dataset", "embed", all_pairs, "--with", "x.onnx", "--overwrite").exit_code == 0
    assert calls == [(all_pairs, "x.onnx", 2, {"overwrite": True})]


def test_previews_of_both_kinds_of_data(cache, pair_folder, tmp_path):
    for data, name in ((cache, "c.png"), (pair_folder, "p.png")):
        done = run("dataset", "preview", data, tmp_path / name, "--count", 9, "--side", 32)
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{tmp_path / name}\n"
        assert provenance.read_mark(tmp_path / name).by_mask2face
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.size == (8 * 32, 2 * 3 * 32)  # nine pairs: one row of eight and one more
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.size == (3 * 32, 3 * 32)
        first = np.asarray(picture)[:, :32]
    assert (first[:32] != first[32:64]).any(), "a face mask above, none below"
    again = run("dataset", "preview", pair_folder, tmp_path / "p.png")
    assert again.exit_code == 1
    assert "exists" in again.stderr


def test_train_export_evaluate_unmask(cache, pair_folder, all_pairs, tmp_path, monkeypatch):
    """The whole way of a model, on data too small to learn from."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    Path("recipe.json").write_text(json.dumps(RECIPE))
    options = ["--recipe", "recipe.json", "--workers", 0, "--device", "cpu"]
    done = run("train", cache, "run", *options, "--precision", "fp32", "--threads", 1)
    assert done.exit_code == 0, done.output
    weights = Path(done.stdout.strip())
    assert weights == Path("run/last.safetensors")
    again = run("train", cache, "run", *options, "--precision", "fp32", "--start-from", weights)
    assert again.exit_code == 0, again.output
    assert "run goes on where it stopped" in again.stderr
    done = run(
        "export", weights, "small.onnx", "--data", "a few photos", "--metric", "hole_psnr=9.5"
    )
    assert done.exit_code == 0, done.output
    card = Restorer("small.onnx", "cpu").card
    assert (card.name, card.side, card.net) == ("small", 32, "face_filler")
    assert card.data == "a few photos"
    assert card.training == "4 steps, crops of 32 px"
    assert dict(card.metrics) == {"hole_psnr": 9.5}
    assert run("export", weights, "small.onnx").exit_code == 1  # exists
    done = run("export", weights, "int8.onnx", "--to", "onnx-int8")
    assert done.exit_code == 1
    assert "--pairs" in done.stderr
    done = run("export", weights, "faces.onnx", "--pairs", all_pairs, "--faces", 1)
    assert done.exit_code == 0, done.output
    assert "  on 1 face: differs by " in done.stdout
    assert "compared on 1 face, which says little" in done.stderr
    assert Restorer("faces.onnx").card.metrics["parity_faces"] == 1
    done = run("evaluate", "small.onnx", pair_folder, "report")
    assert done.exit_code == 0, done.output
    assert done.stdout.rstrip("\n") == Path("report/report.md").read_text().rstrip("\n")
    assert "hole PSNR" in done.stdout
    assert "File `small.onnx`." in done.stdout


def test_training_on_a_pair_folder_asks_for_training_pairs(pair_folder, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    done = run("train", pair_folder, tmp_path / "run", "--recipe", tmp_path / "recipe.json")
    assert done.exit_code == 1
    assert "no training pairs" in done.stderr


def test_evaluating_on_real_photos(tmp_path, lfw, tiny_model):
    pytest.importorskip("dlib")
    done = run("evaluate", tiny_model, lfw / "P_0", tmp_path / "report", "--real", "--limit", 1)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "report" / "real.json").is_file()
    found = json.loads((tmp_path / "report" / "real.json").read_text())
    assert (found["photos"], found["file"]) == (1, tiny_model.name)
    assert f"File of the model: `{tiny_model.name}`" in done.stdout


BAD = [
    (["dataset", "build", "out"], 2, "give KIND=ROOT"),
    (["dataset", "build", "lfw", "out"], 2, "'lfw' is neither"),
    (["dataset", "build", "lwf=.", "out"], 2, "did you mean 'lfw'"),
    (["dataset", "build", "lfw=nowhere", "out"], 1, "'nowhere' does not exist"),
    (["dataset", "build", "lfw=a", "lfw=b", "out"], 2, "may stand once"),
    (["dataset", "build", "folder=empty", "out"], 1, "no photos in"),
    (["dataset", "build", "folder=photos", "empty", "--workers", "0"], 1, "exists"),
    (["dataset", "pairs", "nowhere", "out"], 1, "does not exist"),
    (["dataset", "pairs", "empty", "out"], 1, "is not a crop cache"),
    (["dataset", "pairs", "empty", "out", "--side", "3"], 2, "Invalid value for '--side'"),
    (["dataset", "embed", "nowhere"], 1, "does not exist"),
    (["dataset", "embed", "empty"], 1, "is not a pair folder"),
    (["dataset", "preview", "empty", "out.png"], 1, "is not a crop cache"),
    (["train", "nowhere", "run", "--recipe", "recipe.json"], 1, "nowhere is no folder"),
    (["train", "empty", "run", "--recipe", "nowhere.json"], 2, "no recipe at"),
    (["train", "empty", "run", "--recipe", "broken.json"], 2, "not JSON"),
    (["train", "empty", "run", "--recipe", "recipe.json"], 1, "is not a crop cache"),
    (["export", "nowhere.safetensors", "out.onnx"], 1, "no checkpoint at"),
    (["export", "broken.json", "out.onnx"], 1, "not a whole safetensors file"),
    (["export", "x.safetensors", "out.trt", "--to", "tensorrt"], 2, "unknown export target"),
    (["export", "x.safetensors", "out.onnx", "--metric", "psnr"], 2, "give NAME=NUMBER"),
    (
        ["export", "x.safetensors", "out.tflite"],
        2,
        "is for --to litert or litert-int8, and --to onnx",
    ),
    (["export", "x.safetensors", "x.onnx", "--to", "ncnn"], 2, "--to ncnn writes .param"),
    (["evaluate", "nowhere.onnx", "empty", "out"], 1, "is not a pair folder"),
    (["evaluate", "nowhere.onnx", "photos", "out", "--real"], 1, "does not exist"),
    (["evaluate", "nowhere.onnx", "nothing", "out", "--real"], 2, "no such file or folder"),
    (["evaluate", "x.onnx", "photos", "out", "--real", "--identity"], 2, "are for pairs"),
    (["evaluate", "x.onnx", "photos", "out", "--real", "--split", "test"], 2, "are for pairs"),
    (["evaluate", "x.onnx", "photos", "out", "--real", "--train-pairs", "x"], 2, "are for pairs"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), BAD, ids=lambda value: str(value)[:70])
def test_bad_input_says_what_is_wrong(tmp_path, monkeypatch, arguments, status, words):
    if arguments[0] in ("train", "export"):
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("photos").mkdir()
    Image.new("RGB", (64, 64)).save("photos/grey.png")
    Path("broken.json").write_text("{")
    Path("recipe.json").write_text(json.dumps(RECIPE))
    before = sorted(Path().rglob("*"))
    done = run(*arguments)
    assert done.exit_code == status, done.output
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.output
    assert sorted(Path().rglob("*")) == before


def test_a_missing_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    for command in (["train", tmp_path, tmp_path / "run"], ["export", "x.safetensors", "x.onnx"]):
        done = run(*command)
        assert done.exit_code == 2
        assert "pip install 'mask2face[train]'" in done.stderr


def test_metrics_are_numbers():
    assert _metrics(["a=1", "b=2.5"]) == {"a": 1.0, "b": 2.5}
    for bad in ("a=x", "a=nan", "a=inf", "=1"):  # the card is JSON
        with pytest.raises(UsageError, match="NAME=NUMBER"):
            _metrics([bad])
