"""A lesson folder made of one free photo, a scene with one face, a net that finds many."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.finding import lessons
from mask2face.finding.cells import Truth
from mask2face.finding.lessons import Lesson, LessonFolder, SeenFace
from mask2face.finding.net import FaceFinder
from mask2face.finding.training import NET

BOX = (180.0, 68.0, 271.0, 178.0)  # of the astronaut's face, px
POINTS = ((202.0, 102.0), (245.0, 103.0), (225.0, 122.0), (208.0, 140.0), (240.0, 141.0))
CORNER = (100, 0)  # of the part of the photo that a lesson shows


def astronaut_face(masked: bool, score: float = 0.9) -> SeenFace:
    x, y = CORNER
    box = (BOX[0] - x, BOX[1] - y, BOX[2] - x, BOX[3] - y)
    return SeenFace(box, tuple((px - x, py - y) for px, py in POINTS), score, masked)


def write_lessons(folder: Path, train: int = 3, validation: int = 1) -> LessonFolder:
    """Photos of the astronaut; the "face mask" is a blue block below her eyes."""
    bare = np.ascontiguousarray(data.astronaut()[:250, 100:350])
    masked = bare.copy()
    masked[115:175, 85:165] = (60, 120, 200)
    splits = ["train"] * train + ["validation"] * validation
    for number, split in enumerate(splits):
        name = f"{number:06d}"
        lessons.write_pictures(folder, name, masked, bare)
        face = astronaut_face(masked=True)
        lessons.add_row(folder, Lesson(name, f"{number}.jpg", str(number), split, (face,)))
    lessons.write_meta(folder, {})
    return LessonFolder(folder)


@pytest.fixture(scope="session")
def lesson_folder(tmp_path_factory) -> LessonFolder:
    return write_lessons(tmp_path_factory.mktemp("lessons"))


@pytest.fixture
def new_lessons() -> Callable[..., LessonFolder]:
    return write_lessons


@pytest.fixture(scope="session")
def face_scene() -> tuple[np.ndarray, Truth]:
    """The astronaut's face in 96 px, RGB uint8, and where it is."""
    left, top, side, size = 150, 40, 160, 96
    part = data.astronaut()[top : top + side, left : left + side]
    picture = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
    zoom = size / side
    box = (np.array(BOX) - (left, top, left, top)) * zoom
    points = (np.array(POINTS) - (left, top)) * zoom
    return picture, Truth(
        box[None].astype(np.float32),
        points[None].astype(np.float32),
        np.zeros(1, np.float32),
        np.ones(1, bool),
    )


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A net that has learned nothing: it finds faces everywhere; its batch norms have an effect."""
    torch.manual_seed(0)
    net = FaceFinder(0.5)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
    for head in net.heads:
        head.out.bias.data[0] = 2
    path = tmp_path_factory.mktemp("net") / "last.safetensors"
    tensors = {f"ema.{name}": value for name, value in net.state_dict().items()}
    checkpoints.save(path, Checkpoint(NET, {"width": 0.5}, 64, 7), tensors)
    return path
