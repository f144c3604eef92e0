"""Run one job after the other: a line each, on after a bad file, a truthful summary."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import typer

from mask2face.errors import Mask2FaceError, OutputError, UsageError
from mask2face.folders import Job, Plan, write


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
        Mask2FaceError: the only job failed.
        typer.Exit: a job of a batch failed, with status 1.
    """
    states: Counter[str] = Counter()
    for job in plan.jobs:
        if plan.batch and not overwrite and job.target is not None and job.target.exists():
            states["skipped"] += 1
            _say(job, _SKIPPED, as_json)
            continue
        began = time.perf_counter()
        try:
            outcome = _do(job, work, overwrite, plan.batch)
        except Mask2FaceError as error:
            _say_failed(job, error, as_json)
            if not plan.batch:
                raise typer.Exit(error.exit_code) from error
            states["failed"] += 1
            continue
        states[outcome.state] += 1
        _say(job, outcome, as_json, time.perf_counter() - began)
    if plan.batch:
        typer.echo(", ".join(f"{count} {state}" for state, count in states.items()), err=True)
    if any(states[state] for state in FAILED):
        raise typer.Exit(1)


def _do(job: Job, work: Work, overwrite: bool, batch: bool) -> Outcome:
    target = job.target
    if target is not None:
        # before the work, which may take its time
        if target.exists() and not overwrite:
            raise OutputError(f"{target} exists: choose another output, or say --overwrite")
        if batch:
            _make_folder(job)
        elif not target.parent.is_dir():
            raise OutputError(f"the folder {target.parent} does not exist: make it first")
    outcome = work(job, _read(job))
    if outcome.data is not None:
        if target is None:
            sys.stdout.buffer.write(outcome.data)
            sys.stdout.buffer.flush()
        else:
            write(outcome.data, job, overwrite=overwrite)
    return outcome


def _read(job: Job) -> bytes:
    from mask2face.decoding import MAX_BYTES, content

    if job.source is None:
        return content(sys.stdin.buffer.read(MAX_BYTES + 1))[0]
    return content(job.source)[0]


def _make_folder(job: Job) -> None:
    if job.target is None:
        return
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {job.target.parent} cannot be made ({error.strerror}): choose another"
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
