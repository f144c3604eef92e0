"""`--engine ray`: the jobs of a plan, or whole shards, done by the workers of a Ray cluster."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import typer

from mask2face import files
from mask2face.cli.batch import INTERRUPTED, Doer, Work, photos_of, skipped
from mask2face.cli.ends import Disk
from mask2face.cli.report import Done, Report
from mask2face.cli.shards import shard_worker, travelling
from mask2face.cli.targets import Target
from mask2face.cluster.engine import TRIES, in_order
from mask2face.cluster.session import quiet_stdout
from mask2face.errors import OutputError, PhotoError, UsageError
from mask2face.folders import Job, Plan

Unit = tuple[Job, ...]  # the jobs of one photo, or the one of a shard


def device_of(device: str) -> str:
    """Return what a worker runs on: it has one core, and a GPU only where that was asked for."""
    return "cpu" if device == "auto" else device


@dataclass(frozen=True)
class Worker:
    """What each worker is started with; picklable.

    Attributes:
        work: makes the work, once in each worker.
        target: where photos come from and results go; its plan is left out, the jobs come singly.
        folder: that relative paths are of.
    """

    work: Callable[[], Work]
    target: Target
    folder: str

    def __call__(self) -> Callable[[Unit], list[Done]]:
        """Return what does the jobs of a photo, or a shard."""
        try:
            os.chdir(self.folder)
        except OSError as error:
            if not self.target.is_remote:  # relative paths would lead elsewhere
                raise UsageError(
                    f"{self.folder} is not on the worker's machine ({error.strerror}): name URLs, "
                    "or start in a folder that all machines see"
                ) from error
        work = self.work()
        if self.target.shards:
            return shard_worker(work, self.target)
        return partial(_photo, Doer(work, _Remote(self.target)))


def _photo(doer: Doer, jobs: Unit) -> list[Done]:
    return [travelling(done) for done in doer(jobs)]


class _Remote:
    """Reads and writes behind URLs; what is local goes the way of `Disk`.

    A result that is there is replaced: what was to stay was sorted out before, so it is of this
    run, of a worker that was killed before it could say so.
    """

    def __init__(self, target: Target) -> None:
        self._target, self._disk = target, Disk(batch=True, overwrite=True)

    def has(self, job: Job) -> bool:
        return False

    def read(self, job: Job) -> bytes:
        source = self._target.source
        return self._disk.read(job) if source is None else source.read(job.name)

    def prepare(self, job: Job) -> None:
        if self._target.out is None:
            self._disk.prepare(job)

    def write(self, job: Job, data: bytes) -> None:
        if self._target.out is None:
            self._disk.write(job, data)
        else:
            self._target.out.write(self._target.relative(job), data)


def run(
    target: Target,
    work: Callable[[], Work],
    *,
    overwrite: bool = False,
    as_json: bool = False,
    workers: int | None = None,
    device: str = "cpu",
) -> None:
    """Do the jobs of a plan on Ray; say what became of them in the plan's order.

    As `batch.run`: what is there is skipped, a bad photo does not end the run.

    Args:
        target: what to do.
        work: makes the work, in each worker.
        overwrite: replace outputs that are there.
        as_json: lines of JSON instead of words.
        workers: processes of one core each; None for one a core of the cluster.
        device: that a worker runs on; with "cuda" each has a GPU of its own.

    Raises:
        OutputError: the result of a single photo is there.
        DeviceError: the cluster does not answer.
        MissingExtraError: Ray is not installed, or what the work needs.
        typer.Exit: as `batch.run`.
    """
    plan = target.plan
    there = target.finished() if not overwrite else frozenset()
    if there and not plan.batch:
        raise OutputError(f"{plan.jobs[0].target} exists: choose another output, or --overwrite")
    units = photos_of(plan)
    todo = [tuple(job for job in unit if job.target not in there) for unit in units]
    report = Report(0 if target.shards else len(plan.jobs), plan.batch, as_json)
    ends = replace(target, plan=Plan((), plan.batch))  # a worker has no room for all jobs
    start = Worker(work, ends, os.getcwd())  # noqa: PTH109 - it goes into chdir
    left = [unit for unit in todo if unit]
    size = {"bundle": 1} if target.shards else {}
    results = in_order(start, left, workers, lost=_lost, gpus=1 if device == "cuda" else 0, **size)
    _remove_leftovers(target)
    waiting = len(plan.jobs)
    try:
        with quiet_stdout(), closing(results):  # the workers end before the summary
            for number, unit in _said(units, todo, results):
                for done in unit:
                    report(done)
                waiting -= number
    except KeyboardInterrupt:
        what = "shards not" if target.shards else "not"
        report.count(f"{what} known to be done", waiting)  # a worker may not have said so yet
        raise typer.Exit(INTERRUPTED) from None
    finally:
        report.end()
        _remove_leftovers(target)
    if report.failed:
        raise typer.Exit(1)


def _said(
    units: list[Unit], todo: list[Unit], results: Iterator[list[Done]]
) -> Iterator[tuple[int, list[Done]]]:
    """Yield of each unit its number of jobs, and what became of them, in the order of the plan."""
    for unit, left in zip(units, todo, strict=True):
        kept = [skipped(job) for job in unit if job not in left]
        done = sorted(
            chain(kept, next(results) if left else ()),
            key=lambda done: unit.index(done.job) if done.job in unit else 0,  # 0: of a shard
        )
        yield len(unit), done
    for _ in results:  # lets Ray end its run
        raise RuntimeError("there are more results than jobs")


def _lost(unit: Unit) -> list[Done]:
    """Say that a photo ended its workers."""
    words = f"its worker was ended {TRIES} times: it may need more memory than there is"
    return [Done(job, "failed", error=PhotoError(words)) for job in unit]


def _remove_leftovers(target: Target) -> None:
    """Remove what killed workers wrote half; behind URLs nothing tells whose it is."""
    if target.out is None or not target.out.is_url:
        for folder in {job.target.parent for job in target.plan.jobs if job.target is not None}:
            files.remove_leftovers(folder)
