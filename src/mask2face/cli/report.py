"""What became of each photo -> a line each, on the right stream, and one summary."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import typer

from mask2face.cli.progress import Progress
from mask2face.errors import Mask2FaceError
from mask2face.folders import Job

FAILED = ("failed", "not written")  # states without the output that was asked for
SKIPPED = "skipped"


@dataclass(frozen=True)
class Done:
    """What became of one job, without its file.

    Attributes:
        job: the job.
        state: the word of the summary: "done", "no face", ...
        words: what happened, for the line.
        wrote: whether there is an output.
        seconds: it took; None where there was nothing to do.
        facts: more for a line of JSON.
        notes: lines for stderr.
        error: why there is no output; errors of ours are for the user, others are bugs.
    """

    job: Job
    state: str
    words: str = ""
    wrote: bool = False
    seconds: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: Exception | None = None


class Report:
    """Says what became of jobs, and counts it.

    Args:
        total: number of jobs.
        batch: whether errors are counted, and summed up at the end, rather than the end.
        as_json: lines of JSON instead of words.
    """

    def __init__(self, total: int, batch: bool, as_json: bool) -> None:
        self._total, self._batch, self._as_json = total, batch, as_json
        self._states: Counter[str] = Counter()
        self._progress = Progress(total) if batch and total > 1 else None

    @property
    def failed(self) -> bool:
        """Whether an output that was asked for is missing."""
        return any(self._states[state] for state in FAILED)

    @property
    def counted(self) -> int:
        """How many jobs were counted."""
        return self._states.total()

    def __call__(self, done: Done) -> None:
        """Count a job and say what became of it.

        Raises:
            typer.Exit: it failed and is the only one; with its error's status.
            Exception: its error, where that is a bug.
        """
        self._states[done.state] += 1
        if self._progress:
            self._progress.hide()
        for note in done.notes:
            typer.echo(note, err=True)
        if isinstance(done.error, Mask2FaceError):
            self._say_failed(done, done.error)
        elif done.error is not None:
            raise done.error
        else:
            self._say(done)
        if self._progress:
            self._progress.show(self.counted, self._states[SKIPPED])

    def note(self, words: str) -> None:
        """Write a line to stderr."""
        if self._progress:
            self._progress.hide()
        typer.echo(words, err=True)

    def count(self, state: str, number: int) -> None:
        """Count jobs of which there is nothing to say."""
        if number:
            self._states[state] += number

    def end(self) -> None:
        """Sum up a batch."""
        if self._progress:
            self._progress.end()
        if self._batch and self._states:
            words = ", ".join(f"{count} {state}" for state, count in self._states.items())
            typer.echo(words, err=True)

    def _say(self, done: Done) -> None:
        if self._as_json:
            seconds = None if done.seconds is None else round(done.seconds, 3)
            self._say_json(done, seconds=seconds, **done.facts)
            return
        written = done.wrote or done.seconds is None
        place = str(done.job) if written else str(done.job.source or "-")
        taken = "" if done.seconds is None else f"  {done.seconds:.1f} s"
        # the photo itself may be on stdout
        typer.echo(f"{place}  {done.words}{taken}", err=done.job.target is None)

    def _say_failed(self, done: Done, error: Mask2FaceError) -> None:
        named = str(done.job.source or "stdin")
        words = str(error) if named in str(error) else f"{named}: {error}"
        typer.echo(f"error: {words}", err=True)
        if self._as_json:
            self._say_json(done, error=str(error))
        if not self._batch:
            raise typer.Exit(error.exit_code) from error

    def _say_json(self, done: Done, **facts: Any) -> None:  # noqa: ANN401
        ends = {
            "input": str(done.job.source or "-"),
            "output": None if done.state in FAILED else str(done.job.target or "-"),
        }
        typer.echo(json.dumps({**ends, "state": done.state, **facts}))
