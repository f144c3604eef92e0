import numpy as np
import pytest
from PIL import Image

from mask2face.facemasks import polygon

SEEDS = range(6)


def drawn(face, seed=0, **options):
    return polygon.draw(*face, np.random.default_rng(seed), **options)


def inside(result, photo):
    """Mean colour where the face mask is solid."""
    return result.photo[result.hole > 0.999].mean(axis=0)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_the_colours_weight_is_its_share(face, weight):
    own = inside(drawn(face, texture=0), face[0])
    both = inside(drawn(face, texture=0, colour="#ff0080", colour_weight=weight), face[0])
    assert both == pytest.approx(own + weight * (np.array([255, 0, 128]) - own), abs=1.5)


def test_a_picture_is_repeated_over_the_polygon(face, tmp_path):
    halves = np.zeros((20, 40, 3), np.uint8)
    halves[:, :20], halves[:, 20:] = (250, 20, 20), (20, 20, 250)
    Image.fromarray(halves).save(tmp_path / "halves.png")
    result = drawn(face, pattern=str(tmp_path / "halves.png"), texture=0)
    solid = result.photo[result.hole > 0.999].astype(int)
    red, blue = (solid[:, 0] > solid[:, 2] + 100), (solid[:, 2] > solid[:, 0] + 100)
    assert red.mean() > 0.3
    assert blue.mean() > 0.3
    assert result.options["pattern"] == str(tmp_path / "halves.png")


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_the_patterns_weight_is_its_share(face, tmp_path, weight):
    Image.new("RGB", (32, 32), (200, 40, 90)).save(tmp_path / "p.png")
    options = {"texture": 0, "colour": "#102030", "pattern": str(tmp_path / "p.png")}
    colour, pattern = np.array([16, 32, 48]), np.array([200, 40, 90])
    found = inside(drawn(face, pattern_weight=weight, **options), face[0])
    assert found == pytest.approx(colour + weight * (pattern - colour), abs=1.5)


def test_prints_go_by_name(face):
    plain = drawn(face, colour="#ffffff", texture=0)
    dots = drawn(face, colour="#ffffff", texture=0, pattern="dots")
    assert dots.photo[dots.hole > 0.999].std() > plain.photo[plain.hole > 0.999].std() + 5


def test_without_spread_the_vertices_lie_on_the_landmarks(face):
    landmarks = face[1]
    holes = [drawn(face, seed, spread=(0.0, 0.0)).hole for seed in SEEDS]
    assert len({hole.tobytes() for hole in holes}) == 2, "two sets of jaw points, nothing else"
    for hole in holes:
        x, y = landmarks[8].round().astype(int)
        assert hole[y - 3, x] > 0.9
        assert hole[y + 5, x] == 0


def test_the_spread_moves_the_vertices_within_its_range(face):
    # all vertices moved right and down by a tenth of the face's width
    still = drawn(face, spread=(0.0, 0.0)).hole
    moved = drawn(face, spread=(0.1, 0.1)).hole
    shift = np.array([np.argwhere(hole > 0.5).mean(axis=0) for hole in (still, moved)])
    assert np.diff(shift, axis=0)[0] == pytest.approx([9.0, 9.0], abs=1.5)  # of 90 px
    areas = {float(drawn(face, seed, spread=(-0.1, 0.1)).hole.sum()) for seed in SEEDS}
    assert len(areas) == len(SEEDS)


@pytest.mark.parametrize(
    "options",
    [
        {"colour_weight": -0.1},
        {"pattern_weight": 1.1},
        {"colour_weight": float("nan")},
        {"spread": (0.2, 0.1)},
        {"spread": (-2.0, 0.0)},
        {"pattern": "no such picture.png"},
        {"colour": "red"},
    ],
)
def test_bad_options_are_refused(face, options):
    with pytest.raises(ValueError):
        drawn(face, **options)
