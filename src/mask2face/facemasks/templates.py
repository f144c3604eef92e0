"""Template packs in MaskTheFace's format: a folder of pictures -> face masks on photos."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.errors import UsageError
from mask2face.facemasks import fabric
from mask2face.facemasks import template_format as format_
from mask2face.facemasks.compositing import darken, finish, hole_of, window_around
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.prints import COVERS, print_tile
from mask2face.facemasks.template_format import Template
from mask2face.facemasks.template_picture import (
    Picture,
    face_tone,
    load_template,
    load_texture,
    matched,
    placed,
    printed,
)
from mask2face.facemasks.template_points import SIDES, Side, side_of, six_points
from mask2face.registry import lookup

WEIGHT: Final = 0.5  # MaskTheFace's default of --color_weight and --pattern_weight
_REPEATS: Final = 3  # of a print across a template
_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


@dataclass(frozen=True)
class _Tile:
    """What is printed: a picture, and how often it stands beside itself across a template."""

    picture: Picture
    repeats: int = 1

    def matrix(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """The matrix (3, 3) from px of the tile to px of a template; middle on middle."""
        scale = size[0] / (self.repeats * self.picture.size[0])
        matrix = np.diag([scale, scale, 1.0])
        matrix[:2, 2] = (np.array(size) - 1 - scale * (np.array(self.picture.size) - 1)) / 2
        return matrix


@dataclass(eq=False)
class TemplatePack:
    """The templates of one folder; pictures are read when they are first drawn.

    Pickling leaves the pictures out.

    Attributes:
        folder: that holds `masks.cfg`, `templates` and `textures`.
        templates: name -> side -> template.
    """

    folder: Path
    templates: dict[str, dict[Side, Template]]
    _pictures: dict[tuple[Path, bool], Picture] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def open(cls, folder: str | Path) -> "TemplatePack":
        """Open a pack as MaskTheFace keeps it.

        Raises:
            DataError: the folder, its `masks.cfg`, a section or a picture is missing or wrong.
        """
        templates: dict[str, dict[Side, Template]] = {}
        for section, template in format_.read(Path(folder)).items():
            name, side = split(section)
            templates.setdefault(name, {})[side] = template
        return cls(Path(folder), templates)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the styles: lower case, without `_left` and `_right`."""
        return tuple(self.templates)

    @property
    def textures(self) -> tuple[str, ...]:
        """Files of the folder `textures`, sorted, as `pattern` takes them."""
        found = (self.folder / format_.TEXTURES).rglob("*")
        paths = sorted(path for path in found if path.suffix.lower() in _ENDINGS)
        return tuple(path.relative_to(self.folder).as_posix() for path in paths)

    def draw(
        self,
        name: str,
        photo: Photo,
        landmarks: Points,
        rng: np.random.Generator,
        *,
        colour: str = "",
        colour_weight: float = WEIGHT,
        pattern: str = "",
        pattern_weight: float = WEIGHT,
    ) -> Drawn:
        """Draw a template on a face as MaskTheFace does, with smooth edges.

        Args:
            name: one of `names`, in any case.
            photo: uint8 (H, W, 3) RGB, not changed.
            landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
            rng: chooses the inks of a print.
            colour: "#rrggbb" to lay over it, or "" for none.
            colour_weight: share of the colour, 0 to 1.
            pattern: one of `fabric.PRINTS`, or a picture file: one of `textures` or any path.
            pattern_weight: share of the pattern, 0 to 1.

        Raises:
            UnknownNameError: the pack has no such style.
            UsageError: `pattern` is neither a print nor a file.
            DataError: a picture cannot be read.
            ValueError: an argument has the wrong type, shape or value.
        """
        views = lookup("template", self.templates, name.lower())
        check(photo, landmarks)
        ink = fabric.parse(colour) * 255 if colour else None
        for weight in (colour_weight, pattern_weight):
            if not 0 <= weight <= 1:
                raise ValueError(f"a weight must lie in 0 ... 1, got {weight}")
        layers: list[tuple[_Tile | Points, float]] = []
        if pattern and pattern != "plain":
            layers.append((self._tile(pattern, rng, photo), pattern_weight))
        if ink is not None:
            layers.append((ink, colour_weight))
        side = side_of(landmarks)
        result, hole = self._put_on(_view(views, side), photo, landmarks, layers)
        options: Options = {"side": side}
        options |= {"colour": colour, "colour_weight": colour_weight} if colour else {}
        options |= {"pattern": pattern, "pattern_weight": pattern_weight} if pattern else {}
        return Drawn(result, hole, name.lower(), options)

    def draw_random(self, photo: Photo, landmarks: Points, rng: np.random.Generator) -> Drawn:
        """Draw any template, each as likely; half of them in a colour or with a texture.

        A `drawing.Draw`; see `draw`.
        """
        name = self.names[int(rng.integers(len(self.names)))]
        luck = rng.random()
        options: dict[str, Any] = {}
        if luck < 0.25:
            options["colour"] = fabric.text(fabric.any_colour(rng))
        elif luck < 0.5:
            patterns = self.textures or fabric.PRINTS[1:]
            options["pattern"] = patterns[int(rng.integers(len(patterns)))]
        return self.draw(name, photo, landmarks, rng, **options)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_pictures": {}}

    def _put_on(
        self,
        template: Template,
        photo: Photo,
        landmarks: Points,
        layers: Sequence[tuple[_Tile | Points, float]],
    ) -> tuple[Photo, Layer]:
        """The photo and the hole; `layers` are tiles or colours, each with its weight."""
        picture = self._template(template)
        fit = placed(template.points, six_points(landmarks), picture.size)
        window = None if fit is None else window_around(fit[1], 2, photo)
        if fit is None or window is None:  # it lies outside the photo
            return photo.copy(), np.zeros(photo.shape[:2], np.float32)
        matrix, _ = fit
        laid = picture.warped(matrix, window)
        colours, alpha = laid[..., :3], laid[..., 3] * np.float32(1 / 255)
        for layer, weight in layers:
            if isinstance(layer, _Tile):
                onto = matrix @ layer.matrix(picture.size)
                layer = layer.picture.warped(onto, window, cv2.BORDER_WRAP)
            colours = printed(colours, alpha, layer, weight)
        colours = matched(colours, alpha, picture.cover, face_tone(photo, landmarks))
        painted = darken(window.of(photo).astype(np.float32), alpha) + colours
        return finish(photo, painted, hole_of(alpha, 1.0), window)

    def _template(self, template: Template) -> Picture:
        key = (template.picture, template.mirrored)
        if key not in self._pictures:
            self._pictures[key] = load_template(*key)
        return self._pictures[key]

    def _tile(self, pattern: str, rng: np.random.Generator, photo: Photo) -> _Tile:
        """A print, or a picture file from the pack or anywhere."""
        if pattern in fabric.PRINTS:
            repeats = 1 if pattern in COVERS else _REPEATS
            tile = print_tile(pattern, fabric.any_colour(rng), rng, photo)
            return _Tile(Picture(np.rint(tile * 255).astype(np.uint8)), repeats)
        tried = [root / pattern for root in (Path(), self.folder, self.folder.parent)]
        path = next((path for path in tried if path.is_file()), None)
        if path is None:
            raise UsageError(
                f"the pattern {pattern!r} is no picture file: name one, as "
                f"{format_.TEXTURES}/NAME.png of the pack, or one of {', '.join(fabric.PRINTS)}"
            )
        if (path, False) not in self._pictures:
            self._pictures[path, False] = load_texture(path)
        return _Tile(self._pictures[path, False])


def split(section: str) -> tuple[str, Side]:
    """A section's style and side.

    >>> split("n95_left")
    ('n95', 'left')
    """
    for side in SIDES[1:]:
        if section.endswith(f"_{side}"):
            return section.removesuffix(f"_{side}"), side
    return section, "front"


def _view(views: dict[Side, Template], side: Side) -> Template:
    """The template for a side: its own, the other side's mirror image, or any there is."""
    if side in views:
        return views[side]
    other: Side = "right" if side == "left" else "left"
    if side != "front" and other in views:
        return views[other].mirror_image()
    return next(views[view] for view in SIDES if view in views)
