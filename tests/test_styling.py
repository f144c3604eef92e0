"""Each key about style, colour, pattern and shape changes what is drawn, or says why not."""

import pickle

import numpy as np
import pytest
from PIL import Image

from mask2face.configuration import Configuration
from mask2face.errors import ConfigurationError, DataError, UnknownNameError
from mask2face.facemasks import FACEMASKS, draw_random
from mask2face.styling import styling

RED, BLUE = (220, 20, 20), (20, 20, 220)


def asked(**values):
    return styling(Configuration(None, **values))


def drawn(face, seed=0, **values):
    return asked(**values).draw(*face, np.random.default_rng(seed))


@pytest.fixture
def patterns(tmp_path):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for name, colour in (("red.png", RED), ("blue.jpg", BLUE)):
        Image.new("RGB", (32, 32), colour).save(folder / name, quality=98)
    (folder / "readme.txt").write_text("not a picture")
    return folder


@pytest.fixture
def face():
    """A grey photo and the landmarks of the mean face."""
    from mask2face.faces import Face
    from mask2face.mean_face import guess

    five = np.array([(365, 370), (635, 370), (500, 520), (400, 655), (600, 655)]) * 0.16
    points = guess(Face((0.0, 0.0, 160.0, 160.0), five.astype(np.float32)))
    noise = np.random.default_rng(0).normal((190, 150, 120), 6, (160, 160, 3))
    return noise.clip(0, 255).astype(np.uint8), points


def colour_of(result):
    return result.photo[result.hole > 0.99].mean(axis=0)


def test_by_default_it_draws_as_training_does():
    found = asked()
    assert found.draw is draw_random
    assert found.notes == ()


def test_the_type_is_drawn(face):
    assert {drawn(face, seed, mask_type="Cloth").style for seed in range(5)} == {"cloth"}


def test_the_weights_choose(face):
    styles = {drawn(face, s, mask_weights={"polygon": 1, "scarf": 0}).style for s in range(5)}
    assert styles == {"polygon"}
    shares = {"polygon": 1.0, "cloth": 3.0}
    counts = [drawn(face, s, mask_weights=shares, mask_color="#102030").style for s in range(40)]
    assert 22 <= counts.count("cloth") <= 37


def test_the_colour_is_drawn(face):
    found = drawn(face, mask_type="polygon", mask_color="#dc1414")
    assert found.options["colour"] == "#dc1414"


def test_the_colours_weight_counts(face):
    options = {"mask_type": "polygon", "mask_color": "#dc1414"}
    none, half, whole = (
        colour_of(drawn(face, mask_color_weight=weight, **options)) for weight in (0.0, 0.5, 1.0)
    )
    assert half == pytest.approx((none + whole) / 2, abs=2)
    assert np.abs(none - whole).max() > 20


def test_the_print_is_drawn(face):
    assert drawn(face, mask_type="cloth", mask_pattern="dots").options["pattern"] == "dots"


def test_a_picture_file_is_the_pattern(face, patterns):
    path = str(patterns / "red.png")
    found = drawn(face, mask_type="polygon", mask_pattern=path)
    assert found.options["pattern"] == "red.png", "without the folder of this machine"
    red, _, blue = colour_of(found)
    assert red > 2 * blue
    found = drawn(face, mask_type="polygon", mask_pattern="blue.jpg", path_to_patterns=patterns)
    assert found.options["pattern"] == "blue.jpg"


def test_the_patterns_weight_counts(face, patterns):
    options = {"mask_type": "polygon", "mask_color": "#ffffff"}
    options["mask_pattern"] = str(patterns / "red.png")
    none, half, whole = (
        colour_of(drawn(face, mask_pattern_weight=weight, **options)) for weight in (0.0, 0.5, 1.0)
    )
    assert half == pytest.approx((none + whole) / 2, abs=2)
    assert none[2] - whole[2] > 100


def test_pictures_of_the_folder_are_the_patterns(face, patterns):
    found = [drawn(face, s, mask_type="polygon", path_to_patterns=patterns) for s in range(8)]
    assert {result.options["pattern"] for result in found} == {"red.png", "blue.jpg"}


def test_styles_without_patterns_are_drawn_beside_those_with(face, patterns):
    weights = {"polygon": 1, "bare": 1}
    found = [drawn(face, s, mask_weights=weights, path_to_patterns=patterns) for s in range(12)]
    assert {result.style for result in found} == {"polygon", "bare"}
    assert all("pattern" in result.options for result in found if result.style == "polygon")


def test_the_range_moves_the_polygons_vertices(face):
    still, moved = (
        drawn(face, mask_type="polygon", coordinates_range=[low, low]).hole for low in (0, 10)
    )
    first, second = (np.argwhere(hole > 0.5).mean(axis=0) for hole in (still, moved))
    width = np.hypot(*(face[1][16] - face[1][0]))
    assert second - first == pytest.approx([width / 10] * 2, rel=0.15)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mask_color_weight": 0.5}, "mask_color_weight has no effect: mask_color is null"),
        ({"mask_pattern_weight": 0.5}, "mask_pattern_weight has no effect"),
        (
            {"mask_type": "cloth", "coordinates_range": [-1, 1]},
            "coordinates_range has no effect: cloth",
        ),
    ],
)
def test_keys_without_effect_are_said(values, words):
    (note,) = asked(**values).notes
    assert note.startswith(words)


def test_a_folder_beside_a_print_is_said(patterns):
    (note,) = asked(mask_pattern="dots", path_to_patterns=patterns).notes
    assert note.startswith("path_to_patterns has no effect")
    assert asked(mask_pattern="red.png", path_to_patterns=patterns).notes == ()


def test_what_is_drawn_can_be_sent_to_a_process_and_is_the_same(face, patterns):
    values = {"mask_color": "#dc1414", "path_to_patterns": patterns, "coordinates_range": [-5, 5]}
    found = asked(**values)
    sent = pickle.loads(pickle.dumps(found.draw))
    for seed in range(3):
        first, second = (one(*face, np.random.default_rng(seed)) for one in (found.draw, sent))
        assert np.array_equal(first.photo, second.photo)
        assert first.options == second.options


def test_the_facts_hold_everything_that_changes_a_drawing(patterns):
    facts = asked(path_to_patterns=patterns, mask_color="#dc1414").facts
    assert facts["mask_color"] == "#dc1414"
    assert facts["patterns"] == ["blue.jpg", "red.png"]
    for key in Configuration.model_fields:
        if key.startswith("mask_") and not key.startswith("mask_filter"):
            assert key in facts


@pytest.fixture
def pack(tmp_path):
    """A template pack with two plain templates, one blue and one green."""
    folder = tmp_path / "pack"
    (folder / "templates").mkdir(parents=True)
    points = {
        "a": (5, 20),
        "b": (50, 5),
        "c": (95, 20),
        "d": (20, 60),
        "e": (50, 75),
        "f": (80, 60),
    }
    text = ""
    for name, colour in (("Plain", (20, 20, 220, 255)), ("other", (20, 200, 20, 255))):
        picture = Image.new("RGBA", (100, 80))
        picture.paste(colour, (4, 4, 96, 76))
        picture.save(folder / "templates" / f"{name}.png")
        lines = "".join(f"mask_{key}: {x}, {y}\n" for key, (x, y) in points.items())
        text += f"[{name}]\ntemplate: templates/{name}.png\n{lines}\n"
    (folder / "masks.cfg").write_text(text)
    return folder


def test_templates_are_drawn(face, pack):
    styles = {drawn(face, seed, templates_path=pack).style for seed in range(12)}
    assert styles == {"plain", "other"}
    result = drawn(face, templates_path=pack, mask_type="PLAIN")
    red, green, blue = colour_of(result)
    assert blue > 2 * green
    assert blue > 2 * red
    weighted = {"plain": 1, "other": 0}
    styles = {drawn(face, s, templates_path=pack, mask_weights=weighted).style for s in range(5)}
    assert styles == {"plain"}


def test_templates_take_colour_and_pattern(face, pack, patterns):
    options = {"templates_path": pack, "mask_type": "plain", "mask_color": "#ffffff"}
    plain, light = (colour_of(drawn(face, mask_color_weight=w, **options)) for w in (0.0, 1.0))
    assert light.min() > plain.min() + 60
    found = drawn(face, templates_path=pack, mask_pattern="red.png", path_to_patterns=patterns)
    assert found.options["pattern"] == "red.png"
    with pytest.raises(UnknownNameError, match="template"):
        asked(templates_path=pack, mask_type="surgical")
    assert asked(templates_path=pack, coordinates_range=[0, 1]).notes


BAD = [
    ({"mask_type": "surgicl"}, UnknownNameError, "did you mean 'surgical'"),
    ({"mask_weights": {"surgicl": 1}}, UnknownNameError, "did you mean 'surgical'"),
    ({"mask_type": "cloth", "mask_weights": {"cloth": 1}}, ConfigurationError, "remove one"),
    ({"mask_pattern": "dotts"}, UnknownNameError, "did you mean 'dots'"),
    ({"mask_pattern": "no.png"}, ConfigurationError, "no such picture"),
    ({"mask_pattern": "a/b"}, ConfigurationError, "no such picture"),
    ({"mask_pattern": "broken.png"}, ConfigurationError, "mask_pattern: "),
    ({"path_to_patterns": "nowhere"}, ConfigurationError, "no such folder"),
    ({"path_to_patterns": "empty"}, ConfigurationError, "holds no pictures"),
    ({"path_to_patterns": "."}, ConfigurationError, "path_to_patterns: .*broken"),
    ({"mask_type": "n95", "mask_pattern": "dots"}, ConfigurationError, "takes no pattern"),
    ({"mask_type": "bare", "mask_color": "#000000"}, ConfigurationError, "takes no colour"),
    ({"templates_path": "nowhere"}, DataError, "nowhere"),
]


@pytest.mark.parametrize(("values", "error", "words"), BAD, ids=lambda value: str(value)[:50])
def test_what_cannot_be_drawn_is_refused_at_once(tmp_path, monkeypatch, values, error, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"x")
    with pytest.raises(error, match=words):
        asked(**values)


def test_every_style_takes_what_the_contract_says():
    """Coloured styles take a weight for their colour, printed ones for their pattern too."""
    import inspect

    for name, style in FACEMASKS.items():
        found = inspect.signature(style).parameters
        assert ("colour" in found) == ("colour_weight" in found), name
        assert ("pattern" in found) == ("pattern_weight" in found), name
