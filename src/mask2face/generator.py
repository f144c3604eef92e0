"""`DataGenerator`: the photos that a configuration names -> pair folders for training and test."""

from dataclasses import dataclass
from typing import Any

from mask2face.configuration import Configuration
from mask2face.cropping import check, clean_crops_for
from mask2face.crops import CropCache
from mask2face.drawing import draw_pairs
from mask2face.errors import UsageError
from mask2face.pair_rows import read_meta
from mask2face.pairs import PairFolder
from mask2face.splits import generator
from mask2face.styling import Styling, styling


@dataclass(frozen=True)
class Generated:
    """What `DataGenerator.generate_images` made.

    Attributes:
        train: the pair folder of training and validation.
        test: the pair folder of the test, or None if none was asked for.
        refused: photos that gave no crop: dicts with `photo`, `dataset` and `reason`.
        notes: where less was made than asked for, which keys of the configuration changed
            nothing, and what trained models should know of; each with the reason.
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
        UnknownNameError: the data set, style, template or print does not exist.
        ConfigurationError: no style takes the colour and the pattern that were asked for, a file
            that the configuration names is missing or broken, or keys contradict each other.
        DataError: the template pack is missing or broken.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        check(configuration)
        self._styling: Styling = styling(configuration)

    def generate_images(
        self,
        image_size: tuple[int, int] | int | None = None,
        test_image_count: int | None = None,
        train_image_count: int | None = None,
    ) -> Generated:
        """Write the pair folders `train_data_path` and `test_data_path`.

        Clean crops are cut once, into `crops_path`. Pairs that were left half-way, killed at
        whatever moment, are continued; what is complete is kept. The same configuration gives the
        same files byte for byte, whatever the number of workers.

        Args:
            image_size: instead of the configuration's.
            test_image_count: instead of the configuration's.
            train_image_count: instead of the configuration's.

        Raises:
            DataError: the data set is missing, or has no photo for a split.
            OutputError: a folder exists that was made with other settings, or cannot be written.
            WorkerDiedError: a process was killed.
            ConfigurationError: an argument is not accepted.
        """
        given = {
            "image_size": image_size,
            "test_image_count": test_image_count,
            "train_image_count": train_image_count,
        }
        settings = _with(self.configuration, {k: v for k, v in given.items() if v is not None})
        cache = clean_crops_for(settings)
        counts = _counts(settings)
        notes = (*_notes(cache, counts), *_about(settings), *self._styling.notes)
        folders = {
            path: draw_pairs(
                cache,
                {split: counts[split] for split in splits if counts[split]},
                path,
                settings.side,
                settings.seed,
                wobble=settings.wobble,
                draw=self._styling.draw,
                span=None if settings.hyp_ratio is None else 1 + 2 * settings.hyp_ratio,
                blur=settings.mask_filter_radius if settings.mask_filter_output else 0.0,
                facts=self._styling.facts,
                workers=settings.workers,
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

        If the pairs are not there yet, or not all of them, they are generated first.

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
        if not path.exists() or not read_meta(path).get("complete"):
            self.generate_images()
        folder = PairFolder.open(path)
        rows = folder.of("test" if test_dataset else "train")
        if not 0 <= n <= len(rows):
            raise UsageError(f"asked for {n} pairs of {str(path)!r}: it has {len(rows)}")
        chosen = generator(settings.seed, "examples").permutation(len(rows))[:n]
        inputs = [str(folder.path("inputs", rows[index])) for index in chosen]
        outputs = [str(folder.path("outputs", rows[index])) for index in chosen]
        return inputs, outputs


def _with(configuration: Configuration, changes: dict[str, Any]) -> Configuration:
    values = {name: getattr(configuration, name) for name in configuration.model_fields_set}
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


def _about(settings: Configuration) -> tuple[str, ...]:
    """Say where pairs differ from what the shipped models take, and which keys change nothing."""
    notes = []
    if settings.hyp_ratio is not None:
        notes.append(
            f"hyp_ratio: pairs are {1 + 2 * settings.hyp_ratio:.2f} face boxes wide; photos are "
            "cut otherwise when face masks are taken off, so leave it null to train for that"
        )
    if "mask_filter_radius" in settings.model_fields_set and not settings.mask_filter_output:
        notes.append("mask_filter_radius has no effect: mask_filter_output is false")
    if settings.landmarks_path is not None and settings.landmarks_predictor_path is not None:
        notes.append("landmarks_predictor_path has no effect: landmarks_path has the landmarks")
    return tuple(notes)
