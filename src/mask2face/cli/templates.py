"""`mask2face templates`: packs of face-mask pictures in MaskTheFace's format."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mask2face.errors import MissingExtraError, PhotoError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mask2face.facemasks.drawn import Drawn

    Pixels = NDArray[np.uint8]

app = typer.Typer(
    help="Draw face masks from pictures: packs in MaskTheFace's format.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Pack = Annotated[Path, typer.Argument(metavar="PACK", help="The folder that holds masks.cfg.")]
_LETTERS = "abcdef"
_COLUMNS = 4  # pictures in a row of a preview
_AROUND = 0.6  # of the face's extent: what a preview shows beside it
_CELL = 240  # px, longer side of one picture in a preview


@app.command("list")
def list_(
    pack: Pack,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each.")] = False,
) -> None:
    """List the templates of a pack, with the sides they are drawn from."""
    from mask2face.facemasks.templates import TemplatePack

    for name, views in TemplatePack.open(pack).templates.items():
        if as_json:
            points = {side: view.points.tolist() for side, view in views.items()}
            files = {side: str(view.picture) for side, view in views.items()}
            typer.echo(json.dumps({"name": name, "pictures": files, "points": points}))
            continue
        sizes = [f"{side} {view.size[0]} x {view.size[1]}" for side, view in views.items()]
        typer.echo(f"{name}  {', '.join(sizes)}")


@app.command()
def add(
    pack: Annotated[Path, typer.Argument(metavar="PACK", help="A pack, new or old.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and _.")],
    picture: Annotated[
        Path, typer.Argument(metavar="PICTURE.png", help="Transparent outside the face mask.")
    ],
    *,
    points: Annotated[
        str | None,
        typer.Option(
            metavar="'X,Y X,Y X,Y X,Y X,Y X,Y'",
            help="In px of the picture: left upper corner, nose, right upper corner, left lower "
            "corner, chin, right lower corner. Default: guessed from the outline.",
        ),
    ] = None,
    side: Annotated[
        str, typer.Option(help="front, left or right: where the head looks, as you see it.")
    ] = "front",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the template of this name and side.")
    ] = False,
) -> None:
    """Add a picture to a pack with the six points that go onto a face."""
    from mask2face.facemasks.template_adding import add as add_template
    from mask2face.facemasks.template_points import SIDES
    from mask2face.registry import lookup

    view = lookup("side", {view: view for view in SIDES}, side)
    found = None if points is None else _six(points)
    added = add_template(pack, name, picture, found, view, overwrite=overwrite)
    shown = " ".join(f"{x:g},{y:g}" for x, y in added.points.tolist())
    typer.echo(f"{added.picture}  [{added.section}]  --points '{shown}'")
    if points is None:
        typer.echo("the points are guessed: look at  mask2face templates preview", err=True)


@app.command()
def preview(
    pack: Pack,
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="The picture to write.")],
    *,
    photo: Annotated[
        str | None, typer.Option(metavar="PHOTO", help="Default: scikit-image's astronaut.")
    ] = None,
    style: Annotated[str | None, typer.Option(help="Only this template. Default: all.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write a picture of a face in the templates of a pack, with the holes below."""
    from mask2face.cli.preview import write
    from mask2face.facemasks.templates import TemplatePack
    from mask2face.files import check_target

    opened = TemplatePack.open(pack)
    names = opened.names if style is None else (style,)
    check_target(out, overwrite)
    write(_sheet(opened.draw, names, photo), out, overwrite)
    typer.echo(f"{out}  {', '.join(names)}")


def _six(text: str) -> "NDArray[np.float64]":
    import numpy as np

    try:
        pairs = [[float(part) for part in pair.split(",")] for pair in text.split()]
    except ValueError:
        pairs = []
    if [len(pair) for pair in pairs] != [2] * 6:
        raise UsageError(
            f"--points is {text!r}: give six pairs of numbers, "
            f"{' '.join(f'{letter}x,{letter}y' for letter in _LETTERS)}"
        )
    return np.array(pairs)


def _sheet(draw: "Callable[..., Drawn]", names: "Sequence[str]", photo: str | None) -> "Pixels":
    """The face bare and in each template, and what each would replace in grey, in rows."""
    import cv2
    import numpy as np

    pixels, landmarks = _face(photo)
    part, points = _around(pixels, landmarks)
    cells = [np.vstack([part, np.full_like(part, 255)])]
    for index, name in enumerate(names):
        drawn = draw(name, part, points, np.random.default_rng(index))
        hole = cv2.cvtColor(np.rint(drawn.hole * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)
        cells.append(np.vstack([drawn.photo, hole]))
    columns = min(_COLUMNS, len(cells))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % columns)
    rows = [np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    return np.vstack(rows).astype(np.uint8)


def _around(pixels: "Pixels", landmarks: "NDArray[np.float32]") -> "tuple[Pixels, Any]":
    """The part of a photo around a face, `_CELL` px high or wide, and its landmarks."""
    import cv2
    import numpy as np

    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    margin = _AROUND * float((high - low).max())
    x0, y0 = np.maximum(np.floor(low - margin), 0).astype(int).tolist()
    x1, y1 = np.ceil(high + margin).astype(int).tolist()
    part = pixels[y0:y1, x0:x1]
    scale = _CELL / max(part.shape[:2])
    size = max(1, round(scale * part.shape[1])), max(1, round(scale * part.shape[0]))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(part, size, interpolation=method)
    points = (landmarks - (x0, y0) + 0.5) * scale - 0.5
    return np.asarray(small, np.uint8), points


def _face(photo: str | None) -> "tuple[Pixels, NDArray[np.float32]]":
    """A photo and the 68 landmarks of its surest face: by dlib, or guessed where it is missing."""
    from mask2face import demo, mean_face, photos
    from mask2face.detectors import CenterFace
    from mask2face.landmarks import EYES_AGREE, Landmarker, on_face

    source = demo.sample() if photo is None else Path(photo)
    pixels = photos.read(source).pixels
    faces = CenterFace("cpu")(pixels)
    if not faces:
        raise PhotoError(f"no face is found in {source}: give a photo that shows one")
    try:
        found, off = on_face(pixels, faces[0], Landmarker())
    except MissingExtraError:
        typer.echo("without dlib the jaw is guessed: pip install 'mask2face[data]'", err=True)
        return pixels, mean_face.guess(faces[0])
    return pixels, found if off <= EYES_AGREE else mean_face.guess(faces[0])
