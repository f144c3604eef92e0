import numpy as np
import pytest

from mask2face.facemasks import fabric

SKIN = np.array([200.0, 160.0, 140.0])


@pytest.mark.parametrize("palette", [fabric.SURGICAL, fabric.N95, fabric.CLOTH, fabric.SKIN])
def test_palettes_share_the_whole(palette):
    assert sum(share for share, _ in palette) == pytest.approx(1)
    assert all(0 <= part <= 1 for _, colour in palette for part in colour)


def test_pick_takes_colours_as_often_as_their_share():
    palette = ((0.7, (0.9, 0.9, 0.9)), (0.2, (0.5, 0.1, 0.1)), (0.1, (0.1, 0.1, 0.5)))
    rng = np.random.default_rng(0)
    found = np.array([fabric.pick(palette, rng) for _ in range(3000)])
    assert (
        (found[:, 0] > 0.7).mean(),
        (found[:, 2] > 0.3).mean() - (found[:, 0] > 0.7).mean(),
    ) == (
        pytest.approx(0.7, abs=0.03),
        pytest.approx(0.1, abs=0.03),
    )
    assert found.min() >= 0.03
    assert found.max() <= 0.98


@pytest.mark.parametrize("text", ["#0473e2", "#FFFFFF", "#000000"])
def test_text_is_what_parse_reads(text):
    assert fabric.text(fabric.parse(text)) == text.lower()


@pytest.mark.parametrize("text", ["", "red", "#12345", "#1234567", "#12345g"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(ValueError, match="#0473e2"):
        fabric.parse(text)


def test_mixed_goes_from_own_to_asked():
    own, asked = np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0])
    np.testing.assert_allclose(fabric.mixed(own, asked, 0.0), own)
    np.testing.assert_allclose(fabric.mixed(own, asked, 1.0), asked)
    np.testing.assert_allclose(fabric.mixed(own, asked, 0.75), [0.75, 0.5, 0.25])


@pytest.mark.parametrize("weight", [-0.01, 1.01, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(weight):
    with pytest.raises(ValueError, match="from 0 to 1"):
        fabric.mixed(np.zeros(3), np.ones(3), weight)


@pytest.mark.parametrize("pattern", fabric.PRINTS)
def test_cloth_colours_are_colours(pattern):
    rng = np.random.default_rng(0)
    found = np.array([fabric.cloth_colour(SKIN, rng, pattern) for _ in range(60)])
    assert found.shape == (60, 3)
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.std(axis=0).max() > 0.05


def test_skin_prints_lie_on_skin_colours():
    rng = np.random.default_rng(0)
    found = np.array([fabric.cloth_colour(SKIN, rng, "skin") for _ in range(200)])
    warm = (found[:, 0] > found[:, 1]) & (found[:, 1] > found[:, 2])
    assert warm.mean() > 0.8


@pytest.mark.parametrize("ground", [0.05, 0.3, 0.7, 0.95])
def test_the_first_ink_stands_out(ground):
    rng = np.random.default_rng(0)
    gaps = [
        abs(float(fabric.inks(np.full(3, ground), rng)[0] @ (0.3, 0.59, 0.11)) - ground)
        for _ in range(200)
    ]
    assert np.quantile(gaps, 0.1) > 0.05
    assert np.mean(gaps) > 0.2
