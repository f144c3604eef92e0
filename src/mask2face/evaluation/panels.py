"""Pictures for the eye: rows of crops with a caption each, and sheets of photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.evaluation.report import FLOOR, MODEL_OWN
from mask2face.evaluation.stack import PairStack

Picture = NDArray[np.uint8]

ROWS = 8  # a panel
CELL = 160  # px, side of a crop in a panel
CAPTION = 18  # px, height of a line of text
TEXT = (40, 40, 40)


def caption(text: str, width: int) -> Picture:
    """Return one line of dark text on white, (CAPTION, width, 3); too long text is cut off."""
    line = np.full((CAPTION, width, 3), 255, np.uint8)
    cv2.putText(line, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, TEXT, 1, cv2.LINE_AA)
    return line


def panel(rows: Sequence[tuple[str, Sequence[Picture]]], heads: Sequence[str]) -> Picture:
    """Return one picture: a row of crops under a caption for each entry.

    Args:
        rows: caption and RGB uint8 crops, as many as `heads`; any size, shown CELL px wide.
        heads: column titles.
    """
    width = CELL * len(heads)
    titles = np.concatenate([caption(head, CELL) for head in heads], axis=1)
    parts = [titles]
    for text, crops in rows:
        method = [cv2.INTER_AREA if len(crop) > CELL else cv2.INTER_CUBIC for crop in crops]
        cells = [
            cv2.resize(crop, (CELL, CELL), interpolation=how)
            for crop, how in zip(crops, method, strict=True)
        ]
        parts += [caption(text, width), np.concatenate(cells, axis=1).astype(np.uint8)]
    return np.concatenate(parts, axis=0)


def save(path: Path, picture: Picture) -> None:
    """Write a PNG under a temporary name, then rename it."""
    part = path.with_name(f".{path.name}.part")
    Image.fromarray(picture).save(part, format="PNG")
    part.replace(path)


def write_deciles(
    out: Path,
    stack: PairStack,
    pictures: Mapping[str, Picture],
    scores: Mapping[str, Mapping[str, NDArray[np.float64]]],
    probabilities: NDArray[np.float32],
) -> None:
    """Write `best.png`, `median.png` and `worst.png`: rows spread evenly over each decile.

    Args:
        out: folder.
        stack: the pairs.
        pictures: method -> uint8 (N, S, S, 3).
        scores: method -> metric -> (N,).
        probabilities: the model's holes (N, S, S), drawn as an outline on the input.
    """
    own = scores[MODEL_OWN]
    order = np.argsort(own["hole_psnr"])[: int(stack.masked.sum())]  # nan sorts last
    size = max(1, len(order) // 10)
    middle = (len(order) - size) // 2
    parts = {"best": order[::-1][:size], "median": order[middle : middle + size]}
    parts["worst"] = order[:size]
    methods = [MODEL_OWN, *([FLOOR] if FLOOR in pictures else [])]
    heads = ["input, hole found", "expected", *methods]
    for name, found in parts.items():
        spread = np.linspace(0, len(found) - 1, min(ROWS, len(found))).round().astype(int)
        rows = []
        for index in found[spread]:
            text = f"#{index} {stack.styles[index]}  {own['hole_psnr'][index]:.1f} dB"
            text += f"  SSIM {own['hole_ssim'][index]:.2f}  IoU {own['hole_iou'][index]:.2f}"
            shown = outlined(stack.inputs[index], probabilities[index])
            crops = [shown, stack.outputs[index], *(pictures[how][index] for how in methods)]
            rows.append((text, crops))
        save(out / f"{name}.png", panel(rows, heads))


def outlined(crop: Picture, hole: NDArray[np.float32]) -> Picture:
    """Return the crop with the outline of its hole drawn on it."""
    area = (hole > 0.5).astype(np.uint8)
    lines, _ = cv2.findContours(area, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(crop.copy(), lines, -1, (255, 60, 60), 1)
    return np.asarray(drawn, np.uint8)


def sheet(photos: Sequence[tuple[str, Picture]], columns: int, height: int = 200) -> Picture:
    """Return a contact sheet of photos of any size, each under its caption.

    Args:
        photos: caption and RGB uint8 (H, W, 3).
        columns: photos a row.
        height: px of a photo in the sheet; wider ones than 1.6 heights are fitted in.
    """
    width = round(height * 1.6)
    blank = np.full((CAPTION + height, width, 3), 255, np.uint8)
    cells = []
    for text, photo in photos:
        zoom = min(height / photo.shape[0], width / photo.shape[1])
        size = (max(1, round(photo.shape[1] * zoom)), max(1, round(photo.shape[0] * zoom)))
        cell = blank.copy()
        cell[:CAPTION] = caption(text, width)
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
        cell[CAPTION : CAPTION + size[1], : size[0]] = cv2.resize(photo, size, interpolation=method)
        cells.append(cell)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)]
    return np.concatenate(rows, axis=0) if rows else blank
