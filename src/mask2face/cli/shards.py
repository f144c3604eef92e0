"""One shard of photos -> the shard of their results, with a record of what became of each."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mask2face.cli.batch import Doer, Work
from mask2face.cli.report import FAILED, Done
from mask2face.cli.targets import Target
from mask2face.cluster.engine import portable
from mask2face.cluster.places import NamedBytes, Place
from mask2face.cluster.shards import Picture, rewrite
from mask2face.decoding import content
from mask2face.encoding import READABLE_SUFFIXES
from mask2face.errors import DataError, Mask2FaceError
from mask2face.folders import Job, suffix_of


def record_name(shard: str) -> str:
    """Return the name of a shard's record; readers of Parquet folders leave out `_` names.

    >>> record_name("train/a.tar")
    'train/_a.tar.json'
    """
    folder, slash, name = shard.rpartition("/")
    return f"{folder}{slash}_{name}.json"


def travelling(done: Done) -> Done:
    """Return `done` with an error that can be pickled."""
    return done if done.error is None else replace(done, error=portable(done.error))


def shard_worker(work: Work, target: Target) -> Callable[[tuple[Job, ...]], list[Done]]:
    """Return what does a shard, photo by photo."""
    source, out = target.source, target.out
    if source is None or out is None:
        raise ValueError("shards are read from a place and written to one")

    def do(jobs: tuple[Job, ...]) -> list[Done]:
        (job,) = jobs
        photos = _Photos(work, job, target.suffix)
        try:
            _rewrite(source, out, job, photos)
        except Exception as error:
            return [Done(job, "failed", error=portable(error))]
        return photos.done or [Done(job, "done", "no photos", True, 0.0)]

    return do


def _rewrite(source: Place, out: Place, job: Job, photos: "_Photos") -> None:
    """Write the record, then the shard under its name: a shard that is there is finished."""
    with out.writer(job.name) as target:
        try:
            with source.open(job.name) as stream:
                rewrite(str(job.source), stream, target, photos)
        except Mask2FaceError:
            raise
        except Exception as error:  # each kind of store has its own
            raise DataError(
                f"{job.source} cannot be read, or its result be written "
                f"({type(error).__name__}: {error}): check names, rights and space"
            ) from error
        out.write(record_name(job.name), json.dumps(photos.record(), indent=1).encode() + b"\n")


class _Photos:
    """Changes the photos of one shard, and notes what became of each.

    It is the `Ends` of its own jobs: they read from memory and write there.

    Args:
        work: does one photo.
        shard: where it lies and goes.
        suffix: of the format asked for, if any.
    """

    def __init__(self, work: Work, shard: Job, suffix: str | None) -> None:
        self._doer, self._shard, self._suffix = Doer(work, self), shard, suffix
        self._data = self._made = b""
        self.done: list[Done] = []

    def __call__(self, picture: Picture) -> Picture | None:
        """Return the result for a photo, or None where there is none."""
        shard, path = self._shard, PurePosixPath(picture.name)
        end = self._suffix or suffix_of(Path(path))
        known = path.suffix.lower() in READABLE_SUFFIXES  # else the dot means something else
        stem = picture.name.removesuffix(path.suffix) if known else picture.name
        name = f"{stem}{end}" if known or self._suffix else stem  # all else of it stays: the key
        shown = name if known or self._suffix else name.replace(".", "_")  # says no format
        # only names for messages, whatever `..` is in them
        job = Job(_in(shard.source, str(path)), _in(shard.target, shown), picture.name)
        self._data = picture.data
        (done,) = self._doer((job,))
        self.done.append(travelling(done))
        made = done.state not in FAILED
        return Picture(name, self._made) if made else None

    def record(self) -> dict[str, object]:
        """Return how many photos there were, and what became of those that failed."""
        states = Counter(done.state for done in self.done)
        failed = [
            {"photo": done.job.name, "error": str(done.error or done.words)}
            for done in self.done
            if done.state in FAILED
        ]
        return {"photos": len(self.done), "states": dict(states), "failed": failed}

    def has(self, job: Job) -> bool:
        """See `Ends`."""
        return False

    def read(self, job: Job) -> bytes:
        """See `Ends`."""
        return content(NamedBytes(self._data, str(job.source)))[0]

    def prepare(self, job: Job) -> None:
        """See `Ends`."""

    def write(self, job: Job, data: bytes) -> None:
        """See `Ends`."""
        self._made = data


def _in(shard: Path | None, name: str) -> Path | None:
    return None if shard is None else shard / name
