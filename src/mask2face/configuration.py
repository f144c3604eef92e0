"""`configuration.json` -> `Configuration`: typed, checked, frozen; an error names key and fix.

It reads the keys of the article's file and our own. Keys of the article that have no meaning here
are refused with what took their place.
"""

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

from mask2face.errors import ConfigurationError, MissingExtraError

try:
    from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
except ImportError as error:
    raise MissingExtraError("pydantic", "data") from error

_ALIASES: Final = {"mask_patter": "mask_pattern"}  # the article's file has this slip
_REPLACED: Final = {
    "coordinates_range": "the style 'polygon' draws its vertices relative to the face's size; "
    'set "mask_type": "polygon" for the article\'s polygon',
    "dataset_archive_download_url": "the data set is not downloaded here; put it where "
    "input_images_path says",
    "hyp_ratio": "crops are aligned by the eyes and always have the same margin",
    "landmarks_predictor_download_url": "the landmark file comes with the package's extra 'data'; "
    "landmarks_predictor_path names another one",
    "mask_color_weight": "colours are shaded by the light on the face, not blended",
    "mask_filter_output": "the style draws soft edges, and blur and JPEG are added to whole pairs",
    "mask_filter_radius": "the style draws soft edges, and blur and JPEG are added to whole pairs",
    "mask_pattern_weight": "patterns are printed on the cloth, not blended",
    "path_to_patterns": "patterns are drawn; mask_pattern names one",
    "test_data_limit": "say it where it counts, with  mask2face evaluate --limit",
    "test_results_dir": "say where with  mask2face evaluate MODEL PAIRS OUT",
}


def _square(value: object) -> object:
    """Take one number for both sides; refuse sides that differ."""
    sides = [value, value] if isinstance(value, int) else value
    if not isinstance(sides, list | tuple) or len(sides) != 2 or sides[0] != sides[1]:
        raise ValueError("not a square")
    if not isinstance(sides[0], int) or isinstance(sides[0], bool) or sides[0] % 8:
        raise ValueError("not a multiple of 8")
    return tuple(sides)


_Side = Annotated[int, Field(ge=32, le=512)]


class Configuration(BaseModel):
    """What generating pairs and training on them read.

    Args:
        path: JSON file with any of the keys below, or None for the defaults. Paths in it are
            relative to the working directory.
        overrides: keys that win over the file.

    Raises:
        ConfigurationError: the file is missing or no JSON object, a key is unknown or retired, or
            a value is not accepted; the message names the key, the value and what is accepted.

    >>> Configuration(None, image_size=128).side
    128
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    dataset: str = Field("lfw", description="the name of a data set: lfw, celeba or folder")
    input_images_path: Annotated[Path, Field(strict=False)] = Field(
        Path("data/lfw-deepfunneled"), description="the folder of the data set"
    )
    crops_path: Annotated[Path, Field(strict=False)] = Field(
        Path("data/crops"), description="the folder of the cache of clean crops"
    )
    train_data_path: Annotated[Path, Field(strict=False)] = Field(
        Path("data/train"), description="the pair folder of training and validation"
    )
    test_data_path: Annotated[Path, Field(strict=False)] = Field(
        Path("data/test"), description="the pair folder of the test"
    )
    landmarks_predictor_path: Annotated[Path, Field(strict=False)] | None = Field(
        None, description="dlib's 68-point file, or null for the packaged one"
    )
    landmarks_path: Annotated[Path, Field(strict=False)] | None = Field(
        None, description="a file of landmarks computed before (CSV or JSON lines), or null"
    )
    minimal_confidence: float = Field(
        0.5, gt=0, lt=1, description="the detector's least score, a number between 0 and 1"
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
    validation_share: float = Field(
        0.2, ge=0, lt=1, description="the share of validation in train_image_count, 0 <= s < 1"
    )
    mask_type: str = Field("random", description="'random' or the name of a face-mask style")
    mask_color: str | None = Field(
        None, pattern=r"^#[0-9a-fA-F]{6}$", description="a colour '#rrggbb', or null for any"
    )
    mask_pattern: str | None = Field(None, description="the name of a print, or null for any")
    wobble: float = Field(
        0.05,
        ge=0,
        le=0.2,
        description="standard deviation of the eye points, 0 to 0.2 eye distances",
    )
    seed: int = Field(0, ge=0, description="a whole number, 0 or more")
    workers: int = Field(2, ge=0, le=256, description="processes that cut crops, 0 to 256")

    def __init__(
        self,
        path: str | Path | None = "configuration.json",
        **overrides: Any,  # noqa: ANN401
    ) -> None:
        found = {} if path is None else _read(Path(path))
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


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{str(path)!r} does not exist: run where it is, give its path, "
            "or take the defaults with Configuration(None)"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{str(path)!r} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f'{str(path)!r} must hold an object: {{"key": value, ...}}')
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


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
        if key in _REPLACED:
            raise ConfigurationError(
                f"the article's key {key!r} has no effect here: {_REPLACED[key]}; remove it"
            )
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
