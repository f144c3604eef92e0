import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mask2face.configuration import Configuration
from mask2face.drawing import WOBBLE
from mask2face.errors import (
    ConfigurationError,
    DataError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from mask2face.generator import DataGenerator
from mask2face.pairs import PairFolder

needs_dlib = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("dlib", "face_recognition_models"))),
    reason="needs the extra 'data'",
)


def settings(root: Path, **changes) -> Configuration:
    values = {
        "input_images_path": root / "lfw",
        "crops_path": root / "crops",
        "train_data_path": root / "train",
        "test_data_path": root / "test",
        "train_image_count": 4,
        "test_image_count": 2,
        "validation_share": 0.25,
        "image_size": 64,
        "workers": 0,
    }
    return Configuration(None, **(values | changes))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.fixture
def root(tmp_path, astronaut_lfw):
    astronaut_lfw(tmp_path / "lfw", people=6, each=2)
    Image.new("RGB", (250, 250), "grey").save(tmp_path / "lfw" / "Person_5" / "Person_5_0003.jpg")
    (tmp_path / "lfw" / "Person_5" / "Person_5_0004.jpg").write_bytes(b"broken")
    return tmp_path


@needs_dlib
def test_photos_become_pairs(root):
    made = DataGenerator(settings(root)).generate_images()
    assert len(made.train.of("train")) == 3
    assert len(made.train.of("validation")) == 1
    assert made.test is not None
    assert len(made.test.of("test")) == 2
    assert made.notes == ()
    reasons = {row["photo"]: row["reason"].split(":")[0] for row in made.refused}
    assert reasons == {
        "Person_5/Person_5_0003.jpg": "no face",
        "Person_5/Person_5_0004.jpg": "broken photo",
    }
    people = {
        split: {row.identity for row in (*made.train.rows, *made.test.rows) if row.split == split}
        for split in ("train", "validation", "test")
    }
    assert not people["train"] & people["test"]
    assert not people["train"] & people["validation"]
    assert not people["validation"] & people["test"]
    inputs, outputs, holes, _ = made.train.load("train")
    assert inputs.shape == (3, 64, 64, 3)
    for masked, bare, hole in zip(inputs, outputs, holes, strict=True):
        if hole.any():
            difference = np.abs(masked.astype(float) - bare).mean(axis=2)
            assert difference[hole > 0.9].mean() > 2 * difference[hole == 0].mean()


@needs_dlib
def test_the_articles_listing_runs(root, capsys):
    generator = DataGenerator(settings(root))
    inputs, outputs = generator.get_dataset_examples(2)  # generates, since nothing is there
    assert len(inputs) == len(outputs) == 2
    for masked, bare in zip(inputs, outputs, strict=True):
        assert Path(masked).name == Path(bare).name
        assert np.asarray(Image.open(masked).copy()).shape == (64, 64, 3)
        assert Path(masked).parent.name == "inputs"
        assert Path(bare).parent.name == "outputs"
    assert generator.get_dataset_examples(2) == (inputs, outputs)
    unseen, _ = generator.get_dataset_examples(2, test_dataset=True)
    assert {Path(path).parents[1].name for path in unseen} == {"test"}
    with pytest.raises(UsageError, match=r"asked for 9 pairs .* has 3"):
        generator.get_dataset_examples(9)
    assert "crops: " in capsys.readouterr().err


@needs_dlib
def test_the_same_configuration_gives_the_same_files(root):
    DataGenerator(settings(root)).generate_images()
    first = {name: contents(root / name) for name in ("train", "test", "crops")}
    DataGenerator(settings(root)).generate_images()  # again: all of it is kept
    assert first == {name: contents(root / name) for name in first}
    for name in first:
        shutil.rmtree(root / name)
    DataGenerator(settings(root)).generate_images()
    assert first == {name: contents(root / name) for name in first}


@needs_dlib
def test_arguments_win_over_the_configuration(root):
    made = DataGenerator(settings(root)).generate_images(
        image_size=(96, 96), test_image_count=0, train_image_count=2
    )
    assert made.train.side == 96
    assert made.test is None
    assert len(made.train.rows) == 2


@needs_dlib
def test_more_pairs_than_photos_are_noted_not_an_error(root):
    made = DataGenerator(settings(root, train_image_count=15000)).generate_images()
    assert len(made.train.rows) < 12
    assert any(note.startswith("train: ") and "instead of 11250" in note for note in made.notes)


@needs_dlib
def test_style_colour_and_print_are_those_asked_for(root):
    wanted = {"mask_type": "Cloth", "mask_color": "#c01020", "mask_pattern": "dots"}
    made = DataGenerator(settings(root, **wanted)).generate_images()
    assert {row.style for row in made.train.rows} == {"cloth"}
    assert {row.options["colour"] for row in made.train.rows} == {"#c01020"}
    assert {row.options["pattern"] for row in made.train.rows} == {"dots"}
    assert made.train.meta["mask_color"] == "#c01020"


@needs_dlib
def test_other_settings_do_not_use_the_old_crops_or_pairs(root):
    DataGenerator(settings(root)).generate_images()
    with pytest.raises(OutputError, match=r"crop cache .* other settings"):
        DataGenerator(settings(root, seed=1)).generate_images()
    with pytest.raises(OutputError, match=r"pair folder .* other settings"):
        DataGenerator(settings(root, mask_type="n95")).generate_images()


@needs_dlib
def test_landmarks_from_a_file_are_used(root):
    names = [path.relative_to(root / "lfw").as_posix() for path in (root / "lfw").rglob("*.jpg")]
    line = ",".join(["0"] * 136)  # far from the eyes: every face is refused
    (root / "points.csv").write_text("".join(f"{name},{line}\n" for name in names))
    generator = DataGenerator(settings(root, landmarks_path=root / "points.csv"))
    with pytest.raises(DataError, match="landmarks disagree"):
        generator.generate_images()


def test_a_missing_data_set_says_which_layout_is_expected(tmp_path):
    with pytest.raises(DataError, match="NAME_0001"):
        DataGenerator(settings(tmp_path)).generate_images()


def test_people_that_cannot_be_told_apart_give_no_test(tmp_path):
    folder = tmp_path / "lfw" / "img_align_celeba"
    folder.mkdir(parents=True)
    Image.new("RGB", (178, 218)).save(folder / "000001.jpg")
    with pytest.raises(DataError, match=r"identity_CelebA\.txt"):
        DataGenerator(settings(tmp_path, dataset="celeba")).generate_images()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"dataset": "lwf"}, UnknownNameError),
        ({"mask_type": "surgicl"}, UnknownNameError),
        ({"path_to_patterns": "nowhere"}, ConfigurationError),
        ({"landmarks_predictor_path": "nowhere.dat"}, ConfigurationError),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(tmp_path, changes, error):
    with pytest.raises(error):
        DataGenerator(settings(tmp_path, **changes))


ONE = {"train_image_count": 2, "test_image_count": 0, "validation_share": 0.0}


@needs_dlib
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_number_of_workers_changes_no_byte(root, workers):
    DataGenerator(settings(root)).generate_images()
    first = {name: contents(root / name) for name in ("train", "test")}
    for name in first:
        shutil.rmtree(root / name)
    DataGenerator(settings(root, workers=workers)).generate_images()
    assert first == {name: contents(root / name) for name in first}


@needs_dlib
def test_what_was_killed_is_continued(root):
    DataGenerator(settings(root)).generate_images()
    before = {name: contents(root / name) for name in ("train", "test")}
    meta = root / "train" / "meta.json"
    meta.write_text(meta.read_text().replace('"complete": true', '"complete": false'))
    rows = root / "train" / "pairs.jsonl"
    rows.write_text(rows.read_text()[:-10])
    next((root / "train" / "inputs").iterdir()).unlink()
    shutil.rmtree(root / "test")
    DataGenerator(settings(root, workers=1)).get_dataset_examples(1)
    assert before == {name: contents(root / name) for name in before}


@needs_dlib
def test_the_output_is_filtered_as_asked(root):
    made = {}
    for name, changes in (
        ("sharp", {}),
        ("soft", {"mask_filter_output": True}),
        ("softer", {"mask_filter_output": True, "mask_filter_radius": 4}),
    ):
        paths = {"train_data_path": root / name}
        made[name] = DataGenerator(settings(root, **ONE, **paths, **changes)).generate_images()
    inputs, outputs = ({n: one.train.load("train")[i] for n, one in made.items()} for i in (0, 1))
    assert np.array_equal(outputs["sharp"], outputs["softer"])
    detail = {n: np.abs(np.diff(found.astype(float), axis=1)).mean() for n, found in inputs.items()}
    assert detail["softer"] < detail["soft"] < detail["sharp"]


@needs_dlib
def test_the_ratio_gives_the_margin_around_the_face(root):
    widths = {}
    for ratio in (None, 0.0, 0.3333):
        values = {"train_data_path": root / f"train{ratio}", "hyp_ratio": ratio}
        made = DataGenerator(settings(root, **ONE, **values)).generate_images()
        assert [note.startswith("hyp_ratio") for note in made.notes] == [True] * (ratio is not None)
        points = np.array([row.landmarks for row in made.train.rows])
        widths[ratio] = np.ptp(points[..., 0], axis=1)
    # the side is 1 + 2 ratio boxes: the tighter the crop, the larger the face
    assert widths[0.0] / widths[0.3333] == pytest.approx(1 + 2 * 0.3333, rel=0.01)
    assert (widths[0.0] > widths[None]).all()


@needs_dlib
def test_patterns_of_a_folder_are_drawn_by_processes_too(root):
    (root / "patterns").mkdir()
    Image.new("RGB", (40, 40), "red").save(root / "patterns" / "red.png")
    values = {"path_to_patterns": root / "patterns", "mask_type": "polygon", "workers": 1}
    made = DataGenerator(settings(root, **ONE, **values)).generate_images()
    assert {row.options["pattern"] for row in made.train.rows} == {"red.png"}
    assert made.train.meta["patterns"] == ["red.png"]


@needs_dlib
def test_keys_without_effect_are_noted(root):
    values = {"mask_color_weight": 0.8, "mask_filter_radius": 2, "mask_type": "cloth"}
    values |= {"coordinates_range": [-10, 10]}
    notes = DataGenerator(settings(root, **ONE, **values)).generate_images().notes
    assert [note.split()[0] for note in notes] == [
        *("mask_filter_radius", "mask_color_weight", "coordinates_range")
    ]


def test_examples_of_a_half_made_folder_are_refused(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match="not a pair folder"):
        DataGenerator(settings(tmp_path)).get_dataset_examples(1)
    with pytest.raises(DataError):
        PairFolder.open(tmp_path / "train")


def test_the_default_wobble_is_that_of_training():
    assert Configuration(None).wobble == WOBBLE
