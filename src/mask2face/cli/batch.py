"""Do the jobs of a plan: a line each, on after a bad file, a truthful summary."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any, Final

import typer

from mask2face import files
from mask2face.cli.ends import Disk, Ends
from mask2face.cli.report import SKIPPED, Done, Report
from mask2face.crew import Crew
from mask2face.errors import Mask2FaceError, PhotoError, UsageError
from mask2face.folders import Job, Plan

INTERRUPTED: Final = 130  # exit status after Ctrl-C, as shells have it


@dataclass(frozen=True)
class Outcome:
    """What became of one photo.

    Attributes:
        state: the word of the summary: "done", "no face", ...
        words: what happened, for the line.
        data: the file to write, or None for none.
        facts: more for a line of JSON.
    """

    state: str
    words: str
    data: bytes | None
    facts: Mapping[str, Any] = field(default_factory=dict)


Tell = Callable[[str], None]
"""Takes a line for stderr about the photo in work."""
Work = Callable[[Job, bytes, Tell], Outcome]
"""(job, bytes of the source, tell) -> what became of it; threads may share it."""


def check_streams(plan: Plan, as_json: bool) -> None:
    """Refuse what cannot go through stdin and stdout.

    Raises:
        UsageError: photos and JSON on one stdout, or a terminal where a photo is piped.
    """
    for job in plan.jobs:
        if job.source is None and sys.stdin.isatty():
            raise UsageError("'-' reads a photo from stdin: pipe one in, as in `cat in.jpg | ...`")
        if job.target is None and as_json:
            raise UsageError("--json and the photo cannot share stdout: name a file to write")
        if job.target is None and sys.stdout.isatty():
            raise UsageError("a photo would go to the terminal: name a file, or redirect stdout")


def photos_of(plan: Plan) -> list[tuple[Job, ...]]:
    """Return the jobs of each photo, which may have several results."""
    return [tuple(jobs) for _, jobs in groupby(plan.jobs, key=lambda job: job.source)]


def run(
    plan: Plan,
    work: Work,
    *,
    overwrite: bool = False,
    as_json: bool = False,
    workers: int = 1,
) -> None:
    """Do the jobs of a plan, several photos at a time; say what became of them in the plan's order.

    In a batch an output that is there already is skipped, so that a run can be resumed. Ctrl-C
    begins nothing more and waits for what has begun; after a second one that is not written either.

    Args:
        plan: the jobs.
        work: does one.
        overwrite: replace outputs that are there.
        as_json: lines of JSON instead of words.
        workers: photos in work at a time, in a thread each.

    Raises:
        typer.Exit: the only job failed, with its error's status; one of a batch, with status 1; or
            Ctrl-C, with status 130, after a summary of what is done.
    """
    doer = Doer(work, Disk(plan.batch, overwrite))
    report = Report(len(plan.jobs), plan.batch, as_json)
    if plan.batch:
        for folder in {job.target.parent for job in plan.jobs if job.target is not None}:
            files.remove_leftovers(folder)
    photos = photos_of(plan)
    try:
        if min(workers, len(photos)) > 1:
            _share(doer, photos, min(workers, len(photos)), report)
        else:
            for done in chain.from_iterable(map(doer, photos)):
                report(done)
    except KeyboardInterrupt:
        report.count("interrupted", doer.begun - report.counted)
        report.count("not begun", len(plan.jobs) - report.counted)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        report.end()
    if report.failed:
        raise typer.Exit(1)


def _share(doer: "Doer", photos: list[tuple[Job, ...]], workers: int, report: Report) -> None:
    crew = Crew(lambda jobs: list(doer(jobs)), photos, workers)
    with _one_opencv_thread():
        try:
            for done in chain.from_iterable(crew):
                report(done)
        except BaseException as error:
            doer.stopping = True
            try:
                if isinstance(error, KeyboardInterrupt):
                    report.note("stopping: what has begun is finished first")
                for done in chain.from_iterable(crew.stop()):
                    report(done)
            except BaseException:
                doer.abandoned = True
                raise
            raise


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own: there is one a core already."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


class Doer:
    """Does the jobs of one photo after the other; several threads may share it.

    Args:
        work: does one.
        ends: reads and writes.

    Attributes:
        begun: number of jobs that were begun.
        stopping: set it, and no further job of a photo is begun.
        abandoned: set it, and nothing more is written.
    """

    def __init__(self, work: Work, ends: Ends) -> None:
        self._work, self._ends = work, ends
        self._counting = threading.Lock()
        self.begun = 0
        self.stopping = self.abandoned = False

    def __call__(self, jobs: tuple[Job, ...]) -> Iterator[Done]:
        """Do jobs of one source and yield what became of each; no error leaves this."""
        for job in jobs:
            if self.stopping:
                return
            with self._counting:
                self.begun += 1
            yield self._one(job)

    def _one(self, job: Job) -> Done:
        if self._ends.has(job):
            return skipped(job)
        began = time.perf_counter()
        notes: list[str] = []
        try:
            outcome = self._do(job, notes.append)
        except Mask2FaceError as error:
            _forget(error)
            return Done(job, "failed", notes=tuple(notes), error=error)
        except MemoryError:
            small = PhotoError("memory ran out on this photo: give fewer --workers")
            return Done(job, "failed", notes=tuple(notes), error=small)
        except Exception as error:
            return Done(job, "failed", notes=tuple(notes), error=error)
        return Done(
            job,
            outcome.state,
            outcome.words,
            outcome.data is not None,
            time.perf_counter() - began,
            outcome.facts,
            tuple(notes),
        )

    def _do(self, job: Job, tell: Tell) -> Outcome:
        self._ends.prepare(job)
        outcome = self._work(job, self._ends.read(job), tell)
        if outcome.data is not None and not self.abandoned:
            self._ends.write(job, outcome.data)
        return outcome


def skipped(job: Job) -> Done:
    """Return what is said of a job whose output is there."""
    return Done(job, SKIPPED, "exists, skipped (--overwrite replaces it)")


def _forget(error: Mask2FaceError) -> None:
    """Free what the error's traceback holds, the photo among it, while its line waits its turn."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
