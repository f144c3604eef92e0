"""Contact sheets of face masks: every style x yaw x skin x light, or every style on one photo.

    python benchmarks/facemask_sheet.py --crops CROP_CACHE [--real FOLDER] --out FOLDER
    python benchmarks/facemask_sheet.py --astronaut OUT.jpg

The first writes a page a style (columns: yaw; rows: light and dark skin in bright and dark photos)
with real faces in face masks beside it. The second draws on `skimage.data.astronaut()` alone, for
the docs.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mask2face import facemasks, photos
from mask2face.clean import CleanCrop
from mask2face.crops import CropCache
from mask2face.detectors import CenterFace
from mask2face.facemasks.fabric import PRINTS
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import light_on
from mask2face.facemasks.occluders import OCCLUDERS, put_in_front
from mask2face.faces import alignment, cut
from mask2face.landmarks import Landmarker, on_face

STYLES = tuple(name for name in facemasks.FACEMASKS if name != "bare")
YAWS = (-45, -20, 0, 20, 45)  # degrees
LOOKS = ("light skin, bright", "light skin, dark", "dark skin, bright", "dark skin, dark")
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
CANDIDATES = 4000  # crops looked at: faces turned by 45 degrees are one in a hundred
LABEL = 18  # px of text under or above a cell
WHITE, GREY, BLACK = (255, 255, 255), (120, 120, 120), (0, 0, 0)
# of the page for the docs
COLOURED = ("#3f8fcb", "#5fb59b", "#f2f2f0", "#26262b", "#e49ab4")
WEARS = ("nose_out", "chin", "one_ear")

Pixels = NDArray[np.uint8]
Cell = tuple[str, Pixels]


def reduced(picture: Pixels, side: int) -> Pixels:
    """Return the picture as a square of `side` px."""
    smaller = side < picture.shape[0]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def page(cells: Sequence[Cell], columns: int, side: int, title: str = "") -> Image.Image:
    """Return a page of square pictures with their names below."""
    font = ImageFont.load_default(13)
    top = LABEL + 6 if title else 0
    rows = -(-len(cells) // columns)
    canvas = Image.new("RGB", (columns * side, top + rows * (side + LABEL)), WHITE)
    draw = ImageDraw.Draw(canvas)
    if title:
        draw.text((4, 3), title, BLACK, ImageFont.load_default(15))
    for place, (name, picture) in enumerate(cells):
        x, y = place % columns * side, top + place // columns * (side + LABEL)
        canvas.paste(Image.fromarray(reduced(picture, side - 2)), (x + 1, y))
        while name and draw.textlength(name, font) > side - 4:
            name = name[:-1]
        draw.text((x + 3, y + side - 2), name, BLACK, font)
    return canvas


def beside(pages: Sequence[Image.Image]) -> Image.Image:
    """Return pages in one row."""
    width, height = sum(one.width for one in pages), max(one.height for one in pages)
    canvas = Image.new("RGB", (width, height), WHITE)
    x = 0
    for one in pages:
        canvas.paste(one, (x, 0))
        x += one.width
    return canvas


def looks(cache: CropCache, split: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return index, yaw, tone of the skin and luma of the photo, a row a crop.

    The tone is the individual typology angle (Chardon et al., 1991), degrees, low = dark, with
    the photo's highlights as white, so that it hangs less on the exposure. It is a rough guess:
    look at the rows before believing their names.
    """
    rows = []
    for index in rng.permutation(cache.indices(split))[:CANDIDATES]:
        clean = cache[int(index)]
        frame = Frame(clean.landmarks.astype(np.float64))
        skin = light_on(clean.crop, frame, np.random.default_rng(0)).skin
        small = cv2.resize(clean.crop, (32, 32), interpolation=cv2.INTER_AREA) @ LUMA
        white = max(float(np.quantile(small, 0.97)), 60.0)
        scaled = np.clip(skin / white, 0, 1).astype(np.float32).reshape(1, 1, 3)
        light, _, yellow = cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)[0, 0]
        tone = float(np.degrees(np.arctan2(light - 50, max(float(yellow), 5.0))))
        tone += 0.3 * float(skin @ LUMA)  # by highlights alone, light skin in the sun is dark
        rows.append((index, frame.yaw, tone, float(small.mean())))
    return np.array(rows)


def chosen(found: NDArray[np.float64]) -> dict[tuple[int, int], int]:
    """Return a crop for each (row of `LOOKS`, column of `YAWS`), none of them twice."""
    yaw, tone, photo = found[:, 1], found[:, 2], found[:, 3]
    dark, bright = (values.argsort().argsort() / len(values) for values in (-tone, photo))
    picked: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for row in range(len(LOOKS)):
        wants_dark, wants_bright = row >= 2, row % 2 == 0
        for column, wanted in enumerate(YAWS):
            cost = np.abs(yaw - wanted) / 5
            cost = cost + 8 * np.abs((dark if wants_dark else 1 - dark) - 0.93)
            cost = cost + 3 * np.abs((bright if wants_bright else 1 - bright) - 0.85)
            best = next(int(one) for one in cost.argsort() if int(one) not in taken)
            taken.add(best)
            picked[row, column] = int(found[best, 0])
    return picked


def turned(clean: CleanCrop) -> str:
    """Return how the head is turned, for the label of a cell."""
    return f"{Frame(clean.landmarks.astype(np.float64)).yaw:+.0f}"


def drawn_cells(
    cache: CropCache, picked: dict[tuple[int, int], int], style: str, seed: int
) -> Iterable[Cell]:
    """Yield the cells of one style, row after row."""
    for (row, column), index in sorted(picked.items()):
        clean = cache[index]
        rng = np.random.default_rng([seed, STYLES.index(style), row, column])
        drawn = facemasks.draw(style, clean.crop, clean.landmarks.astype(np.float64), rng)
        yield f"{turned(clean)}°, {LOOKS[row]}", drawn.photo


def real_cells(folder: Path, count: int, side: int, rng: np.random.Generator) -> list[Cell]:
    """Return `count` real faces of a folder of photos, cut as the crops are."""
    detector = CenterFace("cpu", threshold=0.6)
    paths = [path for path in folder.iterdir() if path.suffix.lower() in photos.READABLE_SUFFIXES]
    cells: list[Cell] = []
    for path in (sorted(paths)[place] for place in rng.permutation(len(paths))):
        photo = photos.read(path).pixels
        faces = [face for face in detector(photo) if face.box[3] - face.box[1] >= 90]
        for face in faces[:1]:
            inner = round(side / 1.4)
            matrix = alignment(face, inner)
            matrix[:, 2] += (side - inner) / 2
            inside = cv2.warpAffine(np.ones(photo.shape[:2], np.float32), matrix, (side, side))
            if inside.mean() > 0.98:
                cells.append(("real", cut(photo, matrix, side)))
        if len(cells) == count:
            break
    return cells


def sheets(arguments: argparse.Namespace) -> None:
    """Write a page for each style."""
    rng = np.random.default_rng(arguments.seed)
    cache = CropCache.open(arguments.crops)
    picked = chosen(looks(cache, arguments.split, rng))
    side = arguments.side
    real = []
    if arguments.real:
        real = real_cells(arguments.real, 3 * len(LOOKS), side, rng)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for style in arguments.styles:
        cells = list(drawn_cells(cache, picked, style, arguments.seed))
        pages = [page(cells, len(YAWS), side, style)]
        if real:
            pages.append(page(real, 3, side, "real photos"))
        path = arguments.out / f"{style}.png"
        beside(pages).save(path)
        print(path)


def astronaut() -> tuple[Pixels, NDArray[np.float64]]:
    """Return the astronaut's face, a square, and its 68 landmarks."""
    from skimage.data import astronaut as load

    photo = np.ascontiguousarray(load()[15:225, 119:329])
    face = CenterFace("cpu")(photo)[0]
    return photo, on_face(photo, face, Landmarker())[0].astype(np.float64)


def examples() -> Iterable[tuple[str, str, dict[str, Any], str]]:
    """Yield label, style, options and occluder of every cell of the page for the docs."""
    for style in STYLES:
        for number in range(2):
            yield style, style, {}, ""
            if number == 0 and style in ("polygon", "gas", "shield"):
                break
    for colour in COLOURED:
        yield f"surgical {colour}", "surgical", {"colour": colour}, ""
    for pattern in PRINTS[1:]:
        yield f"cloth {pattern}", "cloth", {"pattern": pattern}, ""
    for number, wear in enumerate(WEARS * 2):
        style = ("surgical", "cloth", "kn95", "n95")[number % 4]
        yield f"{style} {wear}", style, {"wear": wear}, ""
    for number, name in enumerate(OCCLUDERS):
        style = ("surgical", "kn95", "cloth")[number % 3]
        yield f"{style}, {name}", style, {}, name


def astronaut_page(seed: int, columns: int, side: int) -> Image.Image:
    """Return the page for the docs."""
    photo, points = astronaut()
    cells: list[Cell] = [("bare", photo)]
    for number, (label, style, options, occluder) in enumerate(examples()):
        rng = np.random.default_rng([seed, number])
        drawn = facemasks.draw(style, photo, points, rng, **options)
        if occluder:
            drawn = put_in_front(drawn, photo, points, rng, occluder)
        cells.append((label.replace("_", " "), drawn.photo))
    return page(cells, columns, side)


def save_small(picture: Image.Image, path: Path, limit: int) -> None:
    """Write a JPEG below `limit` bytes."""
    for quality in range(90, 40, -5):
        picture.save(path, quality=quality, optimize=True)
        if path.stat().st_size < limit:
            break


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=Path, help="crop cache")
    parser.add_argument("--split", default="validation", help="of the cache; default validation")
    parser.add_argument("--real", type=Path, help="photos of faces in face masks")
    parser.add_argument("--out", type=Path, help="folder for the pages")
    parser.add_argument("--styles", nargs="+", default=STYLES, choices=STYLES, metavar="STYLE")
    parser.add_argument("--side", type=int, default=190, help="px of a cell; default 190")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--astronaut", type=Path, metavar="OUT.jpg", help="a page for the docs")
    arguments = parser.parse_args()
    if arguments.astronaut:
        whole = astronaut_page(arguments.seed, 8, 160)
        save_small(whole, arguments.astronaut, 400_000)
        print(f"{arguments.astronaut}: {whole.width} x {whole.height} px")
    if arguments.crops:
        if not arguments.out:
            parser.error("--crops needs --out")
        sheets(arguments)


if __name__ == "__main__":
    main()
