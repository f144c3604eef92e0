"""What a configuration asks for -> the cache of clean crops it draws on."""

import math
from functools import partial
from typing import Any, Final

from mask2face.configuration import Configuration
from mask2face.crops import CropCache, build
from mask2face.datasets import DATASETS, PhotoRecord
from mask2face.detectors import CenterFace
from mask2face.errors import ConfigurationError, DataError, OutputError
from mask2face.landmarks import Landmarker, Precomputed
from mask2face.registry import lookup
from mask2face.splits import fingerprint

_SPARE: Final = 1.15  # photos cut per pair asked for: about 4 % are refused


def check(settings: Configuration) -> None:
    """Refuse what can be refused before anything is read.

    Raises:
        UnknownNameError: the data set does not exist.
        ConfigurationError: the landmark file does not exist.
    """
    lookup("data set", DATASETS, settings.dataset)
    path, url = settings.landmarks_predictor_path, settings.landmarks_predictor_download_url
    if path is None or path.is_file() or settings.landmarks_path is not None:
        return
    source = "" if url is None else f"get {url}, unpack it there, or "
    raise ConfigurationError(
        f"landmarks_predictor_path is {str(path)!r}: there is no such file; {source}"
        "set it to null for the packaged one"
    )


def clean_crops_for(settings: Configuration) -> CropCache:
    """Open the cache of clean crops in `crops_path`, or cut it.

    Raises:
        DataError: the data set is missing, none of its photos gave a crop, or its people cannot be
            told apart although a test or validation is asked for.
        OutputError: the cache was made with other settings, or cannot be written.
    """
    records = _records(settings)
    _check_identities(records, settings)
    test = math.ceil(settings.test_image_count * _SPARE)
    limit = test + math.ceil(settings.train_image_count * _SPARE) + 8
    facts = {"request": _request(settings, records)}
    path = settings.crops_path
    if path.exists():
        cache = CropCache.open(path)
        known = cache.meta.get("request") or {}
        unsaid = {"names": facts["request"]["names"]}  # older caches do not say of which photos
        if unsaid | known != facts["request"]:
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


def _records(settings: Configuration) -> list[PhotoRecord]:
    try:
        return lookup("data set", DATASETS, settings.dataset).photos(settings.input_images_path)
    except DataError as error:
        url = settings.dataset_archive_download_url
        if url is None:
            raise
        folder = str(settings.input_images_path)
        raise DataError(f"{error}; get {url} and unpack it to {folder!r}") from error


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
    request = {name: getattr(settings, name) for name in names}
    for name in ("landmarks_path", "landmarks_predictor_path"):
        path = getattr(settings, name)
        request[name] = None if path is None else str(path)
    of = fingerprint(record.name for record in records)
    return request | {"photos": len(records), "names": of}


def _check_identities(records: list[PhotoRecord], settings: Configuration) -> None:
    if any(record.known or record.partition for record in records):
        return
    if settings.test_image_count or settings.validation_share:
        raise DataError(
            f"the people in {str(settings.input_images_path)!r} cannot be told apart, so that a "
            "test would show people of the training: add identity_CelebA.txt or "
            "list_eval_partition.txt, or set test_image_count and validation_share to 0"
        )
