import json
import subprocess
import sys
from pathlib import Path

import pytest

from mask2face.configuration import Configuration
from mask2face.errors import ConfigurationError

ROOT = Path(__file__).parents[1]


def written(folder, **values):
    path = folder / "configuration.json"
    path.write_text(json.dumps(values))
    return path


def test_the_file_in_the_repository_is_accepted_and_has_the_articles_keys():
    found = Configuration(ROOT / "configuration.json")
    assert found.side == 256
    assert found == Configuration(None), "its values are the defaults"
    keys = json.loads((ROOT / "configuration.json").read_text()).keys()
    assert {"input_images_path", "train_data_path", "test_data_path", "image_size"} <= keys


def test_the_default_path_is_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"does not exist.*Configuration\(None\)"):
        Configuration()
    written(tmp_path, image_size=[64, 64])
    assert Configuration().side == 64


def test_overrides_win_over_the_file(tmp_path):
    found = Configuration(written(tmp_path, seed=1, image_size=64), seed=2)
    assert (found.seed, found.side) == (2, 64)


def test_values_have_types():
    found = Configuration(None, image_size=[128, 128], train_data_path="a/b")
    assert found.image_size == (128, 128)
    assert found.train_data_path == Path("a/b")


def test_get_works_as_in_the_article():
    found = Configuration(None)
    assert found.get("train_data_path") == str(Path("data/train"))
    assert found.get("mask_patter") is None
    assert found.get("image_size") == (256, 256)
    with pytest.raises(ConfigurationError, match="did you mean 'image_size'"):
        found.get("imagesize")


def test_the_articles_slip_is_read():
    assert Configuration(None, mask_patter="dots").mask_pattern == "dots"
    with pytest.raises(ConfigurationError, match="mean the same"):
        Configuration(None, mask_patter="dots", mask_pattern="dots")


def test_it_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Configuration(None).seed = 1


ARTICLE = {
    "input_images_path": "data/lfw-deepfunneled",
    "dataset_archive_download_url": "http://example.org/lfw-deepfunneled.tgz",
    "path_to_patterns": "data/mask_patterns",
    "train_data_path": "data/train",
    "test_data_path": "data/test",
    "landmarks_predictor_path": "shape_predictor_68_face_landmarks.dat",
    "landmarks_predictor_download_url": "http://example.org/shape_predictor_68.dat.bz2",
    "minimal_confidence": 0.8,
    "hyp_ratio": 0.3333,
    "coordinates_range": [-10, 10],
    "test_image_count": 100,
    "train_image_count": 15000,
    "image_size": [256, 256],
    "mask_type": "random",
    "mask_color": None,
    "mask_patter": None,
    "mask_pattern_weight": 0.9,
    "mask_color_weight": 0.8,
    "mask_filter_output": False,
    "mask_filter_radius": 2,
    "test_results_dir": "data/results/",
    "train_data_limit": 10000,
    "test_data_limit": 1000,
}


def test_a_file_with_every_key_of_the_article_is_read(tmp_path):
    found = Configuration(written(tmp_path, **ARTICLE))
    assert found.coordinates_range == (-10, 10)
    assert found.path_to_patterns == Path("data/mask_patterns")
    assert (found.mask_color_weight, found.mask_pattern_weight) == (0.8, 0.9)
    assert (found.hyp_ratio, found.mask_filter_radius) == (0.3333, 2)
    assert (found.train_data_limit, found.test_data_limit) == (10000, 1000)
    for key, value in ARTICLE.items():
        expected = tuple(value) if isinstance(value, list) else value
        got = found.get(key)
        assert got == (expected.rstrip("/") if isinstance(expected, str) else expected), key


def test_weights_of_styles_are_read():
    found = Configuration(None, mask_weights={"surgical": 2, "cloth": 0.5})
    assert found.mask_weights == {"surgical": 2.0, "cloth": 0.5}


@pytest.mark.parametrize(
    ("key", "near"),
    [("image_sizes", "image_size"), ("seeds", "seed"), ("train_image_cnt", "train_image_count")],
)
def test_unknown_keys_name_the_nearest(key, near, tmp_path):
    with pytest.raises(ConfigurationError, match=f"unknown key '{key}'; did you mean '{near}'"):
        Configuration(written(tmp_path, **{key: 1}))


BAD = [
    ("image_size", 100),
    ("image_size", [256, 128]),
    ("image_size", [256]),
    ("image_size", 16),
    ("image_size", 1024),
    ("image_size", "256"),
    ("image_size", [256.0, 256.0]),
    ("image_size", True),
    ("minimal_confidence", 0),
    ("minimal_confidence", 1.5),
    ("minimal_confidence", "high"),
    ("minimal_confidence", float("nan")),
    ("train_image_count", 0),
    ("train_image_count", 2.5),
    ("train_image_count", "15000"),
    ("train_image_count", None),
    ("test_image_count", -1),
    ("train_data_limit", 0),
    ("validation_share", 1.0),
    ("validation_share", -0.1),
    ("mask_color", "red"),
    ("mask_color", "#12345"),
    ("mask_type", None),
    ("wobble", 0.5),
    ("seed", -1),
    ("seed", True),
    ("workers", -1),
    ("input_images_path", 3),
    ("train_data_path", None),
    ("test_data_path", 1),
    ("crops_path", None),
    ("landmarks_path", True),
    ("landmarks_predictor_path", 4),
    ("landmarks_predictor_download_url", "dlib.net/file"),
    ("landmarks_predictor_download_url", 3),
    ("dataset_archive_download_url", "file:///etc/passwd"),
    ("dataset_archive_download_url", "http://a b"),
    ("test_results_dir", None),
    ("test_data_limit", 0),
    ("test_data_limit", 1.5),
    ("train_data_limit", "all"),
    ("dataset", 1),
    ("dataset", None),
    ("mask_type", 3),
    ("mask_pattern", ""),
    ("mask_pattern", 3),
    ("mask_color", ""),
    ("mask_color_weight", -0.1),
    ("mask_color_weight", 1.1),
    ("mask_color_weight", "0.8"),
    ("mask_color_weight", True),
    ("mask_pattern_weight", 2),
    ("mask_pattern_weight", float("inf")),
    ("path_to_patterns", 3),
    ("templates_path", []),
    ("mask_filter_output", 1),
    ("mask_filter_output", "yes"),
    ("mask_filter_output", None),
    ("mask_filter_radius", 0),
    ("mask_filter_radius", -2),
    ("mask_filter_radius", 21),
    ("mask_filter_radius", None),
    ("coordinates_range", [10, -10]),
    ("coordinates_range", [-10]),
    ("coordinates_range", 10),
    ("coordinates_range", [-10, "10"]),
    ("coordinates_range", [-51, 0]),
    ("coordinates_range", [float("nan"), 1]),
    ("coordinates_range", [False, True]),
    ("hyp_ratio", -0.1),
    ("hyp_ratio", 0.5),
    ("hyp_ratio", "1/3"),
    ("hyp_ratio", True),
    ("mask_weights", {}),
    ("mask_weights", {"surgical": -1, "cloth": 2}),
    ("mask_weights", {"surgical": 0}),
    ("mask_weights", {"surgical": "much"}),
    ("mask_weights", {"surgical": True}),
    ("mask_weights", ["surgical"]),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_bad_values_name_key_value_and_what_is_accepted(key, value):
    with pytest.raises(ConfigurationError) as caught:
        Configuration(None, **{key: value})
    assert f"{key} is {value!r}; expected " in str(caught.value)
    assert Configuration.model_fields[key].description in str(caught.value)


def test_all_bad_values_are_named_at_once(tmp_path):
    path = written(tmp_path, seed=-1, workers=-1)
    with pytest.raises(ConfigurationError, match=r"seed is -1.*workers is -1") as caught:
        Configuration(path)
    assert str(path) in str(caught.value)


def test_wrong_values_of_every_key_are_tried():
    assert {key for key, _ in BAD} == set(Configuration.model_fields)


def test_every_field_says_what_is_accepted():
    for name, field in Configuration.model_fields.items():
        assert field.description, name


def test_every_key_is_read_somewhere():
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "src" / "mask2face").rglob("*.py")
        if path.name != "configuration.py"
    )
    unread = [
        name
        for name in Configuration.model_fields
        if f".{name}" not in source and f'"{name}"' not in source
    ]
    assert unread == []


def test_without_pydantic_the_extra_is_named():
    code = (
        "import sys; sys.modules['pydantic'] = None\n"
        "from mask2face.errors import MissingExtraError\n"
        "try:\n"
        "    import mask2face.configuration\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert "mask2face[data]" in done.stdout
