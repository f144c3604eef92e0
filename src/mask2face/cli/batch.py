"""Run one job after the other: a line each, on after a bad file, a truthful summary."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from mask2face import files
from mask2face.errors import Mask2FaceError, OutputError, UsageError
from mask2face.folders import Job, Plan


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


Work = Callable[[Job, bytes], Outcome]
"""(job, bytes of the source) -> what became of it."""

_SKIPPED = Outcome("skipped", "exists, skipped (--overwrite replaces it)", None)
FAILED = ("failed", "not written")  # states without the output that was asked for


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


def run(plan: Plan, work: Work, *, overwrite: bool = False, as_json: bool = False) -> None:
    """Do the jobs of a plan.

    In a batch an output that is there already is skipped, so that a run can be resumed.

    Raises:
        typer.Exit: the only job failed, with its error's status; or one of a batch, with status 1.
        KeyboardInterrupt: as it came; what is done is summed up first.
    """
    states: Counter[str] = Counter()
    reader = _Reader()
    try:
        for job in plan.jobs:
            states[_one(job, reader, work, plan.batch, overwrite, as_json)] += 1
    except KeyboardInterrupt:
        states["interrupted"] += 1
        raise
    finally:
        if plan.batch and states:
            typer.echo(", ".join(f"{count} {state}" for state, count in states.items()), err=True)
    if any(states[state] for state in FAILED):
        raise typer.Exit(1)


def _one(
    job: Job, reader: "_Reader", work: Work, batch: bool, overwrite: bool, as_json: bool
) -> str:
    """Do one job, say what became of it, and return its state."""
    if batch and not overwrite and job.target is not None and os.path.lexists(job.target):
        _say(job, _SKIPPED, as_json)
        return _SKIPPED.state
    began = time.perf_counter()
    try:
        outcome = _do(job, reader, work, overwrite, batch)
    except Mask2FaceError as error:
        _say_failed(job, error, as_json)
        if not batch:
            raise typer.Exit(error.exit_code) from error
        return "failed"
    _say(job, outcome, as_json, time.perf_counter() - began)
    return outcome.state


def _do(job: Job, reader: "_Reader", work: Work, overwrite: bool, batch: bool) -> Outcome:
    target = job.target
    if target is not None:
        if batch:
            _make_folder(target.parent)
        files.check_target(target, overwrite)  # before the work, which may take its time
    outcome = work(job, reader(job))
    if outcome.data is not None:
        if target is None:
            _pipe(outcome.data)
        else:
            files.write(outcome.data, target, overwrite=overwrite)
    return outcome


def _pipe(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader left: no error of ours
        raise
    except OSError as error:
        raise OutputError(f"stdout cannot be written ({error.strerror}): name a file") from error


class _Reader:
    """Reads sources; stdin, which gives its bytes once, may be the source of several jobs."""

    def __init__(self) -> None:
        self._piped: bytes | None = None

    def __call__(self, job: Job) -> bytes:
        from mask2face.decoding import MAX_BYTES, content

        if job.source is not None:
            return content(job.source)[0]
        if self._piped is None:
            self._piped = sys.stdin.buffer.read(MAX_BYTES + 1)
        return content(self._piped)[0]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error.strerror}): choose another output"
        ) from error


def _say(job: Job, outcome: Outcome, as_json: bool, seconds: float | None = None) -> None:
    if as_json:
        rounded = None if seconds is None else round(seconds, 3)
        _say_json(job, outcome.state, seconds=rounded, **outcome.facts)
        return
    place = str(job) if outcome.data is not None or seconds is None else str(job.source or "-")
    time_taken = "" if seconds is None else f"  {seconds:.1f} s"
    # the photo itself may be on stdout
    typer.echo(f"{place}  {outcome.words}{time_taken}", err=job.target is None)


def _say_failed(job: Job, error: Mask2FaceError, as_json: bool) -> None:
    named = str(job.source or "stdin")
    words = str(error) if named in str(error) else f"{named}: {error}"
    typer.echo(f"error: {words}", err=True)
    if as_json:
        _say_json(job, "failed", error=str(error))


def _say_json(job: Job, state: str, **facts: Any) -> None:  # noqa: ANN401
    ends = {
        "input": str(job.source or "-"),
        "output": None if state in FAILED else str(job.target or "-"),
    }
    typer.echo(json.dumps({**ends, "state": state, **facts}))
