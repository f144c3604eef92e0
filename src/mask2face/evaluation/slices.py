"""Which kind of pair each one is: what a report gives figures for apart."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.evaluation.stack import PairStack
from mask2face.head_turn import TURNED, turn

_FAR: Final = 0.4  # turn of a head, see `head_turn`
_DARK, _BRIGHT = 90, 160  # mean level of the upper face, 0 to 255
_UPPER: Final = ((0.22, 0.48), (0.3, 0.7))  # rows and columns of the crop, in sides
_LARGE: Final = 0.25  # share of the crop that the face mask covers
_SMALL: Final = 0.15


def slices(stack: PairStack) -> dict[str, list[str]]:
    """Return a label for each pair, by what divides them: style, head, light, hole, ..."""
    found = {"style": list(stack.styles)}
    if stack.landmarks is not None:
        turned = turn(stack.landmarks)
        found["head"] = _labels(turned, (TURNED, _FAR), ("frontal", "turned", "turned far"))
    if stack.options is not None:
        found["worn"] = [_worn(options) for options in stack.options]
    light = [float(_upper(output).mean()) for output in stack.outputs]
    found["light"] = _labels(np.array(light), (_DARK, _BRIGHT), ("dark", "medium", "bright"))
    cover = stack.holes.mean(axis=(1, 2))
    found["hole"] = _labels(
        cover, (_SMALL, _LARGE), (f"under {_SMALL:.0%}", "between", f"over {_LARGE:.0%}")
    )
    grey = [not np.any(np.ptp(output.astype(int), axis=2) > 24) for output in stack.outputs]
    found["colour"] = ["grey photo" if one else "colour photo" for one in grey]
    return found


def _worn(options: Mapping[str, Any]) -> str:
    """Return how a face mask is worn, from the options with which it was drawn."""
    if "in_front" in options:
        return "something in front"
    over = options.get("wear", "over_nose") == "over_nose"
    return "over nose and mouth" if over else "lower, or on one ear"


def _upper(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = picture.shape[0]
    rows, columns = (slice(round(low * side), round(high * side)) for low, high in _UPPER)
    return picture[rows, columns]


def _labels(
    values: NDArray[np.floating], bounds: tuple[float, float], names: tuple[str, str, str]
) -> list[str]:
    return [names[index] for index in np.searchsorted(bounds, values, side="right")]
