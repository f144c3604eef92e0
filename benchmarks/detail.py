"""How sharp and grainy fills are beside the skin around them, with and without `mask2face.detail`.

python benchmarks/detail.py PHOTOS [--model natural] [--sheet OUT.png]

For every face mask taken off in a photo: the strength of the two finest bands of detail in the
fill over that on the upper face, where both are smooth; 1 is a match. Medians by how much larger
the face is than what the net draws.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import detail, faces, photos
from mask2face.folders import plan
from mask2face.pipeline import FoundFaces, Unmasker

GROUPS = {"up to 1.5 times": (0, 1.5), "1.5 to 3": (1.5, 3), "3 and more": (3, 99)}
TILE = 320  # px, of a sheet


def plain(fill: NDArray[np.float32], *_: object) -> NDArray[np.float32]:
    """Return the fill as the net made it."""
    return fill


def ratio(
    photo: NDArray[np.uint8],
    hole: NDArray[np.float32],
    skin: NDArray[np.bool_],
) -> float | None:
    """Return the strength of fine detail in the fill over that on the skin; None: no skin."""
    filled = hole > 0.9
    if min(np.count_nonzero(skin), np.count_nonzero(filled)) < 400:
        return None
    grey = photo.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.6)
    local = cv2.blur(fine * fine, (9, 9))
    strengths = [float(np.percentile(local[where], 20)) ** 0.5 for where in (filled, skin)]
    return strengths[0] / strengths[1] if strengths[1] > 0.1 else None


def pasted(found: FoundFaces, number: int, as_is: bool) -> tuple[NDArray, NDArray]:
    """Return the photo with one face filled, and the hole."""
    before = faces.sharpen, faces.add_grain
    if as_is:
        faces.sharpen, faces.add_grain = plain, plain
    try:
        crop, weight, matrix = (
            part[number] for part in (found.restored, found.weights, found.matrices)
        )
        return faces.paste(found.pixels, crop, weight, matrix)
    finally:
        faces.sharpen, faces.add_grain = before


def tile(photo: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Return the lower face at the photo's own scale, or shrunk to a tile."""
    zoom = TILE / side
    return faces.cut(photo, matrix * zoom, TILE)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos")
    parser.add_argument("--model", default="natural")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every so many photos only")
    asked = parser.parse_args()
    unmasker = Unmasker(asked.model, "cpu")
    side = unmasker.card.side
    found_by_group: dict[str, list[tuple[float, float]]] = {name: [] for name in GROUPS}
    tiles = []
    for job in plan(asked.photos, recursive=True).jobs[:: asked.every]:
        found = unmasker.find(photos.read(job.source))
        for number, matrix in enumerate(found.matrices):
            scale = 1 / float(np.hypot(*matrix[:, 0]))
            before, hole = pasted(found, number, as_is=True)
            after, _ = pasted(found, number, as_is=False)
            size = before.shape[1::-1]
            back = cv2.invertAffineTransform(matrix)
            skin = (cv2.warpAffine(detail.upper_face(side), back, size) > 0.5) & (hole == 0)
            ratios = ratio(before, hole, skin), ratio(after, hole, skin)
            name = next(name for name, (low, high) in GROUPS.items() if low <= scale < high)
            if ratios[0] is not None and ratios[1] is not None:
                found_by_group[name].append(ratios)
            if asked.sheet and scale > 1.5 and number == 0 and len(tiles) < 24:
                tiles.append(np.vstack([tile(one, matrix, side) for one in (before, after)]))
    print("| face over the net's crop | faces | fill / skin as pasted | with detail matched |")
    print("|---|---|---|---|")
    for name, ratios in found_by_group.items():
        if ratios:
            medians = np.median(ratios, 0)
            print(f"| {name} | {len(ratios)} | {medians[0]:.2f} | {medians[1]:.2f} |")
    if asked.sheet and tiles:
        rows = [np.hstack(tiles[at : at + 6]) for at in range(0, len(tiles) // 6 * 6, 6)]
        cv2.imwrite(str(asked.sheet), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
