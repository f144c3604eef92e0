"""The filter's known numbers; a memory that keeps what stands still and forgets what moves."""

import math

import numpy as np
import pytest

from mask2face.video.smoothing import Memory, OneEuro

SIDE = 24


def test_the_filter_is_that_of_the_paper():
    euro = OneEuro(cutoff=1.0, beta=0.5, speed_cutoff=1.0)
    assert euro(np.array([10.0]), 0.0) == 10
    # algorithm 1 by hand, one step of 0.04 s from 10 to 12
    alpha = 1 / (1 + 1 / (2 * math.pi * 0.04))
    speed = alpha * 2 / 0.04
    cutoff = 1.0 + 0.5 * speed
    expected = 10 + 2 / (1 + 1 / (2 * math.pi * cutoff * 0.04))
    assert euro(np.array([12.0]), 0.04)[0] == pytest.approx(expected)


def test_speed_is_relative_to_the_unit():
    near, far = OneEuro(), OneEuro()
    for step in range(5):
        one = near(np.array([10.0 * step]), 0.04, unit=100.0)
        other = far(np.array([1.0 * step]), 0.04, unit=10.0)
        assert one[0] == pytest.approx(10 * other[0])


def test_no_time_between_two_frames_takes_the_later():
    euro = OneEuro()
    euro(np.array([1.0]), 0.0)
    assert euro(np.array([5.0]), 0.0) == 5
    assert euro(np.array([7.0]), -1.0) == 7


def test_the_result_is_no_view_of_the_state():
    euro = OneEuro()
    euro(np.zeros(2), 0.0)[:] = 99
    assert (euro(np.zeros(2), 0.04) == 0).all()


def crop(level):
    return np.full((SIDE, SIDE, 3), level, np.uint8)


def test_a_still_face_averages_what_the_net_says():
    rng = np.random.default_rng(0)
    memory = Memory()
    spread = []
    for step in range(30):
        keep = memory.see(crop(100), 0.04)
        said = np.clip(rng.normal(0.5, 0.2, (SIDE, SIDE)), 0, 1).astype(np.float32)
        restored, probability = memory.blend(keep, crop(100 + step % 2 * 40), said)
        spread.append(probability.std())
    assert keep == pytest.approx(math.exp(-0.04 / 0.4))
    assert spread[-1] < 0.35 * spread[0]
    assert restored.dtype == np.uint8
    assert np.abs(restored.astype(int) - 120).max() <= 3, "the mean of 100 and 140"
    assert probability.dtype == np.float32


def test_a_face_that_changes_is_forgotten():
    memory = Memory()
    for level in (50, 50, 50, 120):
        keep = memory.see(crop(level), 0.04)
        _, probability = memory.blend(
            keep, crop(level), np.full((SIDE, SIDE), float(level == 120), np.float32)
        )
    assert keep < 1e-4
    assert probability.min() > 0.99


def test_the_first_crop_is_taken_as_it_is():
    memory = Memory()
    assert memory.change(crop(9)) == 0
    restored, probability = memory.blend(
        memory.see(crop(9), 0.0), crop(7), np.full((SIDE, SIDE), 0.25, np.float32)
    )
    assert (restored == 7).all()
    assert (probability == 0.25).all()
    assert memory.change(crop(29)) == pytest.approx(20)
