"""Several covers, one before the other -> one cover."""

from collections.abc import Sequence

import numpy as np

from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drawn import Layer
from mask2face.facemasks.occluders.sprite import Cover


def stack(covers: Sequence[Cover | None]) -> Cover | None:
    """Join covers, the last one in front; a shadow falls on what lies behind its thing."""
    seen = [each for each in covers if each is not None]
    if len(seen) < 2:
        return seen[0] if seen else None
    windows = [each.window for each in seen]
    window = Window(
        min(each.x0 for each in windows),
        min(each.y0 for each in windows),
        max(each.x1 for each in windows),
        max(each.y1 for each in windows),
    )
    picture = np.zeros((*window.shape, 3), np.float32)  # times alpha
    alpha = np.zeros(window.shape, np.float32)
    light = np.ones(window.shape, np.float32)
    for each in seen:
        _lay(each, _within(window, each.window), picture, alpha, light)
    picture /= np.maximum(alpha, 1e-3)[..., None]
    return Cover(np.minimum(picture, 255), alpha, window, 1 - light)


def _lay(
    each: Cover, where: tuple[slice, slice], picture: Layer, alpha: Layer, light: Layer
) -> None:
    through = 1 - each.alpha
    kept = through
    if each.shade is not None:
        kept = through * (1 - each.shade)
        light[where] *= 1 - each.shade
    picture[where] = picture[where] * kept[..., None] + each.picture * each.alpha[..., None]
    alpha[where] = 1 - (1 - alpha[where]) * through


def _within(outer: Window, inner: Window) -> tuple[slice, slice]:
    rows = slice(inner.y0 - outer.y0, inner.y1 - outer.y0)
    return rows, slice(inner.x0 - outer.x0, inner.x1 - outer.x0)
