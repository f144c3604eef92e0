"""Contact sheets of faces, numbered, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.faces import Face

TILE, ACROSS, DOWN = 180, 8, 6  # px of a face's picture; pictures across and down a sheet


def write_sheets(faces: Sequence[tuple[str, NDArray[np.uint8], Face]], stem: Path) -> None:
    """Write STEM_0.png, ...: each face with what is around it, its number, photo and score."""
    page = ACROSS * DOWN
    for start in range(0, len(faces), page):
        tiles = [
            tile(photo, face, f"{start + place} {name} {face.score:.2f}")
            for place, (name, photo, face) in enumerate(faces[start : start + page])
        ]
        tiles += [np.zeros((TILE, TILE, 3), np.uint8)] * (-len(tiles) % ACROSS)
        rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, len(tiles), ACROSS)]
        Image.fromarray(np.vstack(rows)).save(f"{stem}_{start // page}.png")


def tile(photo: NDArray[np.uint8], face: Face, label: str) -> NDArray[np.uint8]:
    """Return the face with half a box around it, box and points drawn, (TILE, TILE, 3)."""
    x0, y0, x1, y1 = face.box
    side = 2 * max(x1 - x0, y1 - y0)
    zoom = TILE / side
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    matrix = np.column_stack([np.eye(2) * zoom, TILE / 2 - zoom * centre])
    picture = cv2.warpAffine(photo, matrix, (TILE, TILE), flags=cv2.INTER_LINEAR)
    corners = np.rint(np.array(face.box).reshape(2, 2) * zoom + matrix[:, 2]).astype(int)
    cv2.rectangle(picture, tuple(corners[0]), tuple(corners[1]), (0, 255, 0), 1)
    for x, y in face.landmarks * zoom + matrix[:, 2]:
        cv2.circle(picture, (round(float(x)), round(float(y))), 2, (255, 0, 0), -1)
    cv2.putText(picture, label, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1)
    return np.asarray(picture, np.uint8)
