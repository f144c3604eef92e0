import cv2
import numpy as np
import pytest

from mask2face.facemasks.camera import blur_of, grain_of, rank


def test_rank_is_a_percentile():
    values = np.random.default_rng(0).permutation(101).astype(float)
    assert rank(values, 0.25) == 25
    assert rank(values, 1.0) == 100
    assert rank(np.array([7.0]), 0.5) == 7


def skin_of(landmarks):
    outer, inner = landmarks[[2, 3, 14, 13]], landmarks[[31, 31, 35, 35]]
    return np.concatenate([outer + (inner - outer) * share for share in np.linspace(0.2, 0.8, 16)])


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
@pytest.mark.parametrize("width", [60.0, 90.0])
def test_a_known_blur_is_found(face_of_width, width, sigma):
    photo, landmarks = face_of_width(width)
    blurred = cv2.GaussianBlur(photo, (0, 0), sigma)
    assert blur_of(blurred, landmarks, width, 0.0) == pytest.approx(sigma, rel=0.4)


def test_noise_is_not_taken_for_sharpness(face):
    photo, landmarks = face
    soft = cv2.GaussianBlur(photo, (0, 0), 1.5)
    noise = np.random.default_rng(0).normal(0, 6, soft.shape[:2])[..., None]
    noisy = np.clip(soft + noise, 0, 255).astype(np.uint8)
    clean = blur_of(soft, landmarks, 90, 0.0)
    assert blur_of(noisy, landmarks, 90, 6.0) == pytest.approx(clean, rel=0.25)
    assert blur_of(noisy, landmarks, 90, 0.0) < 0.9 * clean


@pytest.mark.parametrize("deviation", [2.0, 5.0, 12.0])
def test_a_known_grain_is_found(face, deviation):
    photo, landmarks = face
    noise = np.random.default_rng(0).normal(0, deviation, photo.shape[:2])[..., None]
    noisy = np.clip(cv2.GaussianBlur(photo, (0, 0), 1) + noise, 0, 255).astype(np.uint8)
    assert grain_of(noisy, skin_of(landmarks)) == pytest.approx(deviation, rel=0.35)


def test_a_slope_is_no_grain():
    ramp = np.repeat(np.add.outer(np.arange(64), np.arange(64))[..., None] + 40, 3, axis=2)
    points = np.random.default_rng(0).uniform(4, 60, (50, 2))
    assert grain_of(ramp.astype(np.uint8), points) < 1e-6


def test_what_cannot_be_told_is_0(face):
    photo, landmarks = face
    flat = np.full_like(photo, 120)
    assert blur_of(flat, landmarks, 90, 0.0) == 0
    assert blur_of(photo, landmarks + 5000, 90, 0.0) == 0
    assert blur_of(photo[:6], landmarks, 90, 0.0) == 0
    assert grain_of(photo, skin_of(landmarks)[:5]) == 0
    assert grain_of(photo[:2], skin_of(landmarks)) == 0
    assert grain_of(np.full_like(photo, 255), skin_of(landmarks)) == 0
