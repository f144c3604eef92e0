"""From hole probability to paste weight: islands, rim, border, sureness."""

import numpy as np
import pytest

from mask2face.hole_weights import LEAST_HOLE, certainty, is_masked, pasted, soft_hole


def test_a_higher_threshold_finds_less():
    probability = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(64, 0)
    _, low = soft_hole(probability, 0.2)
    _, high = soft_hole(probability, 0.8)
    assert low == pytest.approx(0.8, abs=0.02)
    assert high == pytest.approx(0.2, abs=0.02)


def test_soft_hole_drops_islands_and_fades_at_the_border():
    probability = np.zeros((128, 128), np.float32)
    probability[60:120, 30:100] = 1
    probability[5, 5] = 1  # an island of one pixel
    soft, fraction = soft_hole(probability)
    assert fraction == pytest.approx(60 * 70 / 128**2)
    assert soft[5, 5] == 0
    assert soft[90, 64] == pytest.approx(1)
    assert soft[58, 64] > 0, "it reaches past the rim"
    whole, fraction = soft_hole(np.ones((128, 128), np.float32))
    assert fraction == 1
    assert whole[0].max() < 0.2
    assert whole[64, 64] == pytest.approx(1)
    nothing, fraction = soft_hole(np.zeros((64, 64), np.float32))
    assert fraction == 0
    assert not nothing.any()


@pytest.mark.parametrize(
    ("rows", "sure", "masked"), [(40, 0.9, True), (40, 0.75, False), (2, 0.9, False), (0, 0, False)]
)
def test_what_is_pasted_is_what_the_pipeline_would_paste(rows, sure, masked):
    probability = np.zeros((128, 128), np.float32)
    probability[60 : 60 + rows, 30:100] = sure
    weight, fraction = soft_hole(probability)
    assert (fraction >= LEAST_HOLE) == (rows > 2)
    assert is_masked(probability, fraction) == masked
    assert np.array_equal(pasted(probability), weight if masked else np.zeros((128, 128)))


def test_certainty_is_the_mean_inside_the_hole():
    probability = np.zeros((4, 4), np.float32)
    assert certainty(probability) == 0
    probability[0, :2] = 0.6, 0.8
    probability[1] = 0.4
    assert certainty(probability) == pytest.approx(0.7)
