"""Bare photos -> lessons: the teacher looks at the bare face, the pupil sees it masked."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.clean import Detector, Landmarks
from mask2face.datasets import PhotoRecord, official_splits
from mask2face.detectors import CenterFace
from mask2face.errors import DataError, MissingExtraError, PhotoError
from mask2face.facemasks import draw_random
from mask2face.faces import Face
from mask2face.finding.lessons import (
    Lesson,
    LessonFolder,
    SeenFace,
    add_row,
    begin,
    write_meta,
    write_pictures,
)
from mask2face.landmarks import EYES_AGREE, Landmarker, eye_distance, on_face
from mask2face.parallel import in_order
from mask2face.progress import track
from mask2face.splits import digest, fingerprint, generator, split

UNSURE: Final = 0.2  # the teacher's least score; from here to SURE nobody says whether it is a face
SURE: Final = 0.45
_EYES_APART: Final = 14  # px; strings and pleats of face masks on smaller faces break up


@dataclass(frozen=True)
class Teacher:
    """Sees faces in a bare photo and draws face masks on them.

    Attributes:
        detector: photo -> faces, unsure ones too.
        landmarker: photo, box -> 68 landmarks, where a face mask goes.
    """

    detector: Detector
    landmarker: Landmarks

    def __call__(
        self, photo: NDArray[np.uint8], rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], tuple[SeenFace, ...]]:
        """Return `photo` (H, W, 3) RGB uint8 with face masks, and its faces."""
        masked, seen = photo, []
        for face in self.detector(photo):
            worn = False
            if face.score >= SURE and eye_distance(face) >= _EYES_APART:
                points, off = on_face(photo, face, self.landmarker)
                if off <= EYES_AGREE:
                    drawn = draw_random(masked, points, rng)
                    masked, worn = drawn.photo, drawn.style != "bare"
            seen.append(_seen(face, worn))
        return masked, tuple(seen)


def _seen(face: Face, masked: bool) -> SeenFace:
    x0, y0, x1, y1 = (round(value, 2) for value in face.box)
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in face.landmarks)
    return SeenFace((x0, y0, x1, y1), points, round(face.score, 4), masked)


def centerface_and_dlib() -> Teacher:
    """Make the default teacher, on one CPU thread: the processes share the cores."""
    return Teacher(CenterFace("cpu", UNSURE, threads=1), Landmarker())


def teach(
    records: Sequence[PhotoRecord],
    out: str | Path,
    teacher: Callable[[], Teacher] = centerface_and_dlib,
    *,
    seed: int = 0,
    test: int = 1000,
    validation_share: float = 0.05,
    limit: int | None = None,
    workers: int = 2,
) -> LessonFolder:
    """Write the lessons of `records` into a folder; run it again to go on in a stopped one.

    The people are split as `crops.build` splits them; those in test are left out.

    Args:
        records: photos of one or more data sets.
        out: the lesson folder.
        teacher: makes the teacher in each worker.
        seed: of the split and the face masks.
        test: photos wanted in test.
        validation_share: of the photos outside test.
        limit: use at most so many photos, chosen by a stable hash.
        workers: processes; 0 works in this one.

    Raises:
        DataError: no photo gave a face.
        OutputError: the folder holds something else, was begun with other photos or settings, or
            cannot be written.
        MissingExtraError: the default teacher's packages are not installed.
        WorkerDiedError: a process was killed.
    """
    folder = Path(out)
    fixed = official_splits(records, wanted=False)
    free = [record for record in records if record.identity not in fixed]
    splits = split(free, seed=seed, test=test, validation_share=validation_share) | fixed
    chosen = [record for record in records if splits[record.identity] != "test"]
    chosen = sorted(chosen, key=lambda record: digest(seed, f"lesson {record.name}"))[:limit]
    facts: dict[str, Any] = {"seed": seed, "test": test, "validation_share": validation_share}
    facts |= {"limit": limit, **_facts(chosen, splits)}
    known = {lesson.name for lesson in begin(folder, facts)}
    jobs = [(f"{place:06d}", record) for place, record in enumerate(chosen)]
    jobs = [job for job in jobs if job[0] not in known]
    start = partial(_started, teacher, folder, splits, seed)
    for lesson in track(in_order(start, jobs, workers), len(jobs), "lessons"):
        if lesson is not None:
            add_row(folder, lesson)
    write_meta(folder, facts)
    made = LessonFolder(folder)
    if not made.lessons:
        raise DataError(
            f"none of {len(chosen)} photos could be read and showed a face "
            "(HEIC: pip install 'mask2face[heif]')"
        )
    return made


def _facts(chosen: Sequence[PhotoRecord], splits: dict[str, str]) -> dict[str, Any]:
    """Return which photos the lessons are of: how many of each data set, a digest of all."""
    counts = Counter(record.dataset for record in chosen)
    names = fingerprint(f"{one.dataset} {one.name} {splits[one.identity]}" for one in chosen)
    return {"photos": dict(sorted(counts.items())), "names": names}


def _started(
    teacher: Callable[[], Teacher], folder: Path, splits: dict[str, str], seed: int
) -> Callable[[tuple[str, PhotoRecord]], Lesson | None]:
    return partial(_lesson, teacher(), folder, splits, seed)


def _lesson(
    teacher: Teacher, folder: Path, splits: dict[str, str], seed: int, job: tuple[str, PhotoRecord]
) -> Lesson | None:
    """Write one lesson's pictures; None for a photo that cannot be read or has no face."""
    name, record = job
    try:
        bare = photos.read(record.path).pixels
    except (PhotoError, MissingExtraError):  # the extra of HEIC
        return None
    masked, faces = teacher(bare, generator(seed, record.name))
    if not faces:
        return None
    write_pictures(folder, name, masked, bare)
    return Lesson(name, record.name, record.identity, splits[record.identity], faces)
