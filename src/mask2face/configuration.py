"""`configuration.json` -> `Configuration`: typed, checked, frozen; an error names key and fix.

It reads the keys of the article's file, each with the meaning it has there, and our own.
"""

import difflib
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

from mask2face.configuration_file import read
from mask2face.errors import ConfigurationError, MissingExtraError

try:
    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
except ImportError as error:
    raise MissingExtraError("pydantic", "data") from error

_ALIASES: Final = {"mask_patter": "mask_pattern"}  # the article's file has this slip
_SHIFT: Final = 50  # greatest number in coordinates_range, px


def _square(value: object) -> object:
    """Take one number for both sides; refuse sides that differ."""
    sides = [value, value] if isinstance(value, int) else value
    if not isinstance(sides, list | tuple) or len(sides) != 2 or sides[0] != sides[1]:
        raise ValueError("not a square")
    if not isinstance(sides[0], int) or isinstance(sides[0], bool) or sides[0] % 8:
        raise ValueError("not a multiple of 8")
    return tuple(sides)


def _range(value: object) -> object:
    """Take two numbers, the lower one first."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_number, value)):
        raise ValueError("not two numbers")
    if not -_SHIFT <= value[0] <= value[1] <= _SHIFT:
        raise ValueError("not in order, or too large")
    return tuple(map(float, value))


def _weights(value: object) -> object:
    """Take names and numbers, none below 0, not all 0."""
    if not isinstance(value, dict) or not all(map(_number, value.values())):
        raise ValueError("not names and numbers")
    if min(value.values(), default=-1) < 0 or not sum(value.values()) > 0:
        raise ValueError("below 0, or all 0")
    return {str(name): float(share) for name, share in value.items()}


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_Path = Annotated[Path, Field(strict=False)]
_Side = Annotated[int, Field(ge=32, le=512)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Url = Annotated[str, Field(pattern=r"^(https?|ftp)://[^\s]+$")]


class Configuration(BaseModel):
    """What generating pairs and training on them read.

    Args:
        path: JSON file with any of the keys below, or None for the defaults. Paths in it are
            relative to the working directory.
        overrides: keys that win over the file.

    Raises:
        ConfigurationError: the file is missing or no JSON object, a key is unknown, or
            a value is not accepted; the message names the key, the value and what is accepted.

    >>> Configuration(None, image_size=128).side
    128
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    dataset: str = Field("lfw", description="the name of a data set: lfw, celeba or folder")
    input_images_path: _Path = Field(
        Path("data/lfw-deepfunneled"), description="the folder of the data set"
    )
    dataset_archive_download_url: _Url | None = Field(
        None, description="where the data set can be got, http://... or https://..., or null"
    )
    crops_path: _Path = Field(
        Path("data/crops"), description="the folder of the cache of clean crops"
    )
    train_data_path: _Path = Field(
        Path("data/train"), description="the pair folder of training and validation"
    )
    test_data_path: _Path = Field(Path("data/test"), description="the pair folder of the test")
    test_results_dir: _Path = Field(
        Path("data/results"), description="the folder of the results on the test"
    )
    landmarks_predictor_path: _Path | None = Field(
        None, description="dlib's 68-point file, or null for the packaged one"
    )
    landmarks_predictor_download_url: _Url | None = Field(
        None, description="where that file can be got, http://... or https://..., or null"
    )
    landmarks_path: _Path | None = Field(
        None, description="a file of landmarks computed before (CSV or JSON lines), or null"
    )
    minimal_confidence: float = Field(
        0.5, gt=0, lt=1, description="the detector's least score, a number between 0 and 1"
    )
    hyp_ratio: float | None = Field(
        None,
        ge=0,
        le=0.35,
        description="the margin of a pair around the face's box, 0 to 0.35 of the box on each "
        "side, or null for the crop that the shipped models are trained on",
    )
    image_size: Annotated[tuple[_Side, _Side], BeforeValidator(_square)] = Field(
        (256, 256), description="[S, S] or S, a multiple of 8 from 32 to 512"
    )
    train_image_count: int = Field(
        15000, ge=1, description="at most so many pairs of training and validation, 1 or more"
    )
    test_image_count: int = Field(
        1000, ge=0, description="at most so many pairs of the test, 0 or more"
    )
    train_data_limit: int | None = Field(
        None, ge=1, description="use at most so many training pairs, 1 or more, or null for all"
    )
    test_data_limit: int | None = Field(
        None, ge=1, description="use at most so many test pairs, 1 or more, or null for all"
    )
    validation_share: float = Field(
        0.2, ge=0, lt=1, description="the share of validation in train_image_count, 0 <= s < 1"
    )
    mask_type: str = Field(
        "random", description="'random', the name of a face-mask style, or of a template"
    )
    mask_weights: Annotated[dict[str, float], BeforeValidator(_weights)] | None = Field(
        None,
        description="shares of the styles or templates where mask_type is 'random', as "
        '{"surgical": 0.7, "cloth": 0.3}, or null for the usual ones',
    )
    templates_path: _Path | None = Field(
        None, description="a folder with MaskTheFace's masks.cfg, or null to draw our own"
    )
    mask_color: str | None = Field(
        None, pattern=r"^#[0-9a-fA-F]{6}$", description="a colour '#rrggbb', or null for any"
    )
    mask_color_weight: _Share | None = Field(
        None, description="the share of mask_color, 0 to 1, or null for the style's own"
    )
    mask_pattern: str | None = Field(
        None, min_length=1, description="the name of a print, a picture file, or null for any"
    )
    mask_pattern_weight: _Share | None = Field(
        None, description="the share of the pattern, 0 to 1, or null for the style's own"
    )
    path_to_patterns: _Path | None = Field(
        None, description="a folder of pictures to take patterns from, or null for prints"
    )
    coordinates_range: Annotated[tuple[float, float], BeforeValidator(_range)] | None = Field(
        None,
        description="[least, greatest] shift of the polygon's vertices, -50 to 50 px of a face "
        "100 px wide, or null for the style's own",
    )
    mask_filter_output: bool = Field(
        False, description="true or false: whether the photo with its face mask is blurred"
    )
    mask_filter_radius: float = Field(
        2.0, gt=0, le=20, description="the radius of that blur, above 0 to 20 px of the pair"
    )
    wobble: float = Field(
        0.05,
        ge=0,
        le=0.2,
        description="standard deviation of the eye points, 0 to 0.2 eye distances",
    )
    seed: int = Field(0, ge=0, description="a whole number, 0 or more")
    workers: int = Field(2, ge=0, le=256, description="processes that cut and draw, 0 to 256")

    def __init__(
        self,
        path: str | Path | None = "configuration.json",
        **overrides: Any,  # noqa: ANN401
    ) -> None:
        found = {} if path is None else read(Path(path))
        values = _named(found) | _named(overrides)
        _refuse_unknown(values, type(self).model_fields)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error, values, path)) from error

    @property
    def side(self) -> int:
        """S of the pairs in px; `image_size` is (S, S)."""
        return self.image_size[0]

    def get(self, key: str) -> Any:  # noqa: ANN401
        """Return the value of `key`, as the article's class does; paths as text.

        Raises:
            ConfigurationError: there is no such key.
        """
        key = _ALIASES.get(key, key)
        _refuse_unknown([key], type(self).model_fields)
        value = getattr(self, key)
        return str(value) if isinstance(value, Path) else value


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """Return `values` under our names; a key and its alias together are refused."""
    named = {_ALIASES.get(key, key): value for key, value in values.items()}
    if len(named) < len(values):
        twice = next(alias for alias in _ALIASES if alias in values)
        raise ConfigurationError(f"{twice!r} and {_ALIASES[twice]!r} mean the same: keep one")
    return named


def _refuse_unknown(keys: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, [*known, *_ALIASES], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"unknown key {key!r}{hint}; the keys are: {', '.join(sorted(known))}"
            )


def _explain(error: ValidationError, values: dict[str, Any], path: str | Path | None) -> str:
    """Say for each refused value which key it is, what it is and what is accepted."""
    lines = []
    for key in dict.fromkeys(str(problem["loc"][0]) for problem in error.errors()):
        accepted = Configuration.model_fields[key].description
        lines.append(f"{key} is {values[key]!r}; expected {accepted}")
    where = "" if path is None else f"{str(path)!r}: "
    return where + "; ".join(lines)
