"""Fixtures that several tests share: a small data set made of one free photo."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

FACE = (226, 122)  # middle of the astronaut's face, px


def varied_astronaut(seed: int, side: int = 250) -> NDArray[np.uint8]:
    """The astronaut's face in a photo like one of LFW, turned, scaled and tinted a little."""
    rng = np.random.default_rng(seed)
    zoom = rng.uniform(0.85, 1.1) * side / 250
    matrix = cv2.getRotationMatrix2D(FACE, rng.uniform(-8, 8), zoom)
    matrix[:, 2] += side / 2 - np.array(FACE) + rng.uniform(-6, 6, 2)
    face = cv2.warpAffine(data.astronaut(), matrix, (side, side), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.5:
        face = face[:, ::-1]
    return np.clip(face * rng.uniform(0.8, 1.1, 3), 0, 255).astype(np.uint8)


def write_lfw(root: Path, people: int = 4, each: int = 2) -> Path:
    """Write Person_0/Person_0_0001.jpg and so on below `root`."""
    for person in range(people):
        folder = root / f"Person_{person}"
        folder.mkdir(parents=True)
        for number in range(each):
            picture = Image.fromarray(varied_astronaut(person * each + number))
            picture.save(folder / f"Person_{person}_{number + 1:04d}.jpg", quality=95)
    return root


@pytest.fixture
def astronaut_photo() -> Callable[..., NDArray[np.uint8]]:
    return varied_astronaut


@pytest.fixture
def astronaut_lfw() -> Callable[..., Path]:
    return write_lfw
