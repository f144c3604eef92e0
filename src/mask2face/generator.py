"""`DataGenerator`: the photos that a configuration names -> pair folders for training and test."""

import inspect
import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.configuration import Configuration
from mask2face.crops import CropCache, build
from mask2face.datasets import DATASETS, PhotoRecord
from mask2face.detectors import CenterFace
from mask2face.drawing import Draw, draw_pairs
from mask2face.errors import ConfigurationError, DataError, OutputError, UsageError
from mask2face.facemasks import FACEMASKS, WEIGHTS, Drawn, draw, draw_random
from mask2face.facemasks.fabric import PRINTS
from mask2face.landmarks import Landmarker, Precomputed
from mask2face.pairs import PairFolder
from mask2face.registry import lookup
from mask2face.splits import generator

_SPARE: Final = 1.15  # photos cut per pair asked for: about 4 % are refused


@dataclass(frozen=True)
class Generated:
    """What `DataGenerator.generate_images` made.

    Attributes:
        train: the pair folder of training and validation.
        test: the pair folder of the test, or None if none was asked for.
        refused: photos that gave no crop: dicts with `photo`, `dataset` and `reason`.
        notes: where less was made than asked for, and why.
    """

    train: PairFolder
    test: PairFolder | None
    refused: tuple[dict[str, str], ...]
    notes: tuple[str, ...]


class DataGenerator:
    """Draw face masks on the photos of a data set, as in the article.

    Args:
        configuration: what to draw, on what, and where to put it.

    Raises:
        UnknownNameError: the data set or the style does not exist.
        ConfigurationError: no style takes the colour and the print that were asked for.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._dataset = lookup("data set", DATASETS, configuration.dataset)
        self._draw = _drawing(configuration)

    def generate_images(
        self,
        image_size: tuple[int, int] | int | None = None,
        test_image_count: int | None = None,
        train_image_count: int | None = None,
    ) -> Generated:
        """Write the pair folders `train_data_path` and `test_data_path`.

        Clean crops are cut once, into `crops_path`. What was left half-way is continued, what is
        complete is kept. The same configuration gives the same pairs.

        Args:
            image_size: instead of the configuration's.
            test_image_count: instead of the configuration's.
            train_image_count: instead of the configuration's.

        Raises:
            DataError: the data set is missing, or has no photo for a split.
            OutputError: a folder exists that was made with other settings, or cannot be written.
            ConfigurationError: an argument is not accepted.
        """
        given = {
            "image_size": image_size,
            "test_image_count": test_image_count,
            "train_image_count": train_image_count,
        }
        settings = _with(self.configuration, {k: v for k, v in given.items() if v is not None})
        cache = self._crops(settings)
        counts = _counts(settings)
        notes = _notes(cache, counts)
        folders = {
            path: draw_pairs(
                cache,
                {split: counts[split] for split in splits if counts[split]},
                path,
                settings.side,
                settings.seed,
                wobble=settings.wobble,
                draw=self._draw,
                facts=_style(settings),
            )
            for path, splits in (
                (settings.train_data_path, ("train", "validation")),
                (settings.test_data_path, ("test",)),
            )
            if any(counts[split] for split in splits)
        }
        return Generated(
            folders[settings.train_data_path],
            folders.get(settings.test_data_path),
            cache.refused(),
            notes,
        )

    def get_dataset_examples(
        self, n: int = 10, test_dataset: bool = False
    ) -> tuple[list[str], list[str]]:
        """Return the files of `n` pairs, chosen at random but always the same for a seed.

        If the pairs are not there yet, they are generated first.

        Args:
            n: how many.
            test_dataset: of the test, not of training.

        Returns:
            Paths of the inputs (with face masks) and of the outputs (without), PNG files.

        Raises:
            UsageError: there are fewer than `n` pairs, or `n` is negative.
        """
        settings = self.configuration
        path = settings.test_data_path if test_dataset else settings.train_data_path
        if not path.exists():
            self.generate_images()
        folder = PairFolder.open(path)
        rows = folder.of("test" if test_dataset else "train")
        if not 0 <= n <= len(rows):
            raise UsageError(f"asked for {n} pairs of {str(path)!r}: it has {len(rows)}")
        chosen = generator(settings.seed, "examples").permutation(len(rows))[:n]
        inputs = [str(folder.path("inputs", rows[index])) for index in chosen]
        outputs = [str(folder.path("outputs", rows[index])) for index in chosen]
        return inputs, outputs

    def _crops(self, settings: Configuration) -> CropCache:
        """Open the cache of clean crops, or cut it."""
        records = self._dataset.photos(settings.input_images_path)
        _check_identities(records, settings)
        test = math.ceil(settings.test_image_count * _SPARE)
        limit = test + math.ceil(settings.train_image_count * _SPARE) + 8
        facts = {"request": _request(settings, records)}
        path = settings.crops_path
        if path.exists():
            cache = CropCache.open(path)
            if cache.meta.get("request") != facts["request"]:
                raise OutputError(
                    f"the crop cache {str(path)!r} was made with other settings: remove it, or "
                    "give crops_path another folder"
                )
            return cache
        landmarker: partial[Landmarker] | Precomputed
        if settings.landmarks_path is None:
            landmarker = partial(Landmarker, settings.landmarks_predictor_path)
        else:
            landmarker = Precomputed(settings.landmarks_path)
        return build(
            records,
            path,
            partial(CenterFace, "cpu", settings.minimal_confidence, threads=1),
            landmarker,
            seed=settings.seed,
            test=test,
            validation_share=settings.validation_share,
            limit=limit,
            workers=settings.workers,
            facts=facts,
        )


def _with(configuration: Configuration, changes: dict[str, Any]) -> Configuration:
    values = {name: getattr(configuration, name) for name in Configuration.model_fields}
    return Configuration(None, **(values | changes))


def _counts(settings: Configuration) -> dict[str, int]:
    validation = round(settings.validation_share * settings.train_image_count)
    return {
        "train": settings.train_image_count - validation,
        "validation": validation,
        "test": settings.test_image_count,
    }


def _notes(cache: CropCache, counts: dict[str, int]) -> tuple[str, ...]:
    """Say where the cache has fewer crops than pairs are asked for."""
    return tuple(
        f"{split}: {len(cache.indices(split))} pairs instead of {count}, all that the photos gave"
        for split, count in counts.items()
        if len(cache.indices(split)) < count
    )


def _request(settings: Configuration, records: list[PhotoRecord]) -> dict[str, Any]:
    """Return what the crops depend on; a cache with another request is not used."""
    names = [
        "dataset",
        "minimal_confidence",
        "train_image_count",
        "test_image_count",
        "validation_share",
        "seed",
    ]
    return {name: getattr(settings, name) for name in names} | {"photos": len(records)}


def _style(settings: Configuration) -> dict[str, Any]:
    names = ("mask_type", "mask_color", "mask_pattern")
    return {name: getattr(settings, name) for name in names}


def _check_identities(records: list[PhotoRecord], settings: Configuration) -> None:
    if any(record.known for record in records):
        return
    if settings.test_image_count or settings.validation_share:
        raise DataError(
            f"the people in {str(settings.input_images_path)!r} cannot be told apart, so that a "
            "test would show people of the training: add identity_CelebA.txt, or set "
            "test_image_count and validation_share to 0"
        )


def _drawing(settings: Configuration) -> Draw:
    """Return the function that draws the face masks that `settings` ask for."""
    asked = {"colour": settings.mask_color, "pattern": settings.mask_pattern}
    options = {name: value for name, value in asked.items() if value is not None}
    if settings.mask_pattern is not None:
        lookup("print", dict.fromkeys(PRINTS), settings.mask_pattern)
    style = settings.mask_type.lower()
    if style != "random":
        lookup("face-mask style", FACEMASKS, style)
    styles = WEIGHTS if style == "random" else {style: 1.0}
    if style == "random" and not options:
        return draw_random
    taking = {
        name: share
        for name, share in styles.items()
        if options.keys() <= inspect.signature(FACEMASKS[name]).parameters.keys()
    }
    if not taking:
        raise ConfigurationError(
            f"the style {settings.mask_type!r} takes no {' and '.join(sorted(options))}: "
            "leave mask_color and mask_pattern null, or choose another mask_type"
        )
    return partial(_draw_one, taking, options)


def _draw_one(
    shares: dict[str, float],
    options: dict[str, str],
    photo: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    rng: np.random.Generator,
) -> Drawn:
    """Draw one of the styles in `shares` with fixed options."""
    weights = np.array(list(shares.values()))
    style = list(shares)[rng.choice(len(shares), p=weights / weights.sum())]
    return draw(style, photo, landmarks, rng, **options)
