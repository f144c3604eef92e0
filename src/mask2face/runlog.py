"""What a training run says: JSON lines, TensorBoard, pictures, and a progress bar on stderr."""

import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_EVERY = 20  # steps averaged into a row


class RunLog:
    """Log the steps and validations of a run; a resumed run drops rows past its checkpoint.

    Args:
        folder: the run folder.
        steps: of the whole run.
        done: steps taken before.
        quiet: no progress bar.
    """

    def __init__(self, folder: Path, steps: int, done: int, *, quiet: bool = False) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._rows = folder / "log.jsonl"
        _forget_after(self._rows, done)
        self._board = SummaryWriter(folder / "tensorboard", purge_step=done)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._progress.add_task("train", total=steps, completed=done, rate="")
        self._progress.start()

    def step(self, step: int, losses: dict[str, float]) -> None:
        """Add one step; every so often write the mean of the last ones."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        self._progress.update(self._task, completed=step)
        if step % _EVERY == 0:
            rate = self._count / (time.monotonic() - self._since)
            means = {name: value / self._count for name, value in self._sums.items()}
            self._write("train", step, means | {"steps_per_second": rate})
            self._progress.update(self._task, rate=f"{rate:.2f} steps/s")
            self._sums, self._count, self._since = {}, 0, time.monotonic()

    def validation(
        self, step: int, scores: dict[str, float], panel: NDArray[np.uint8] | None
    ) -> None:
        """Write the scores and the picture panel of a validation."""
        self._write("validation", step, scores)
        if panel is not None:
            path = self._folder / "panels" / f"{step:07d}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(panel).save(path)
        text = "  ".join(f"{name} {value:.4g}" for name, value in scores.items())
        self._progress.console.print(f"step {step}  {text}", highlight=False)

    def stopped(self, step: int, waited: int) -> None:
        """Say that the run ends early, and why.

        Args:
            step: the last one taken.
            waited: validations in a row without a better score.
        """
        self._write("stopped", step, {"validations_without_better": waited})
        self._progress.console.print(
            f"step {step}  stopped: no better score in {waited} validations", highlight=False
        )

    def close(self) -> None:
        """Finish the bar and the files."""
        self._progress.stop()
        self._board.close()

    def _write(self, kind: str, step: int, values: dict[str, float]) -> None:
        rounded = {key: round(value, 6) for key, value in values.items()}
        row = {"kind": kind, "step": step, **rounded}
        with self._rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for name, value in values.items():
            self._board.add_scalar(f"{kind}/{name}", value, step)


def _forget_after(path: Path, step: int) -> None:
    """Drop the rows of steps that will be taken again."""
    if not path.exists():
        return
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # a row without its end was cut off when the run was killed
    kept = [row for row in rows if row.endswith("\n") and json.loads(row)["step"] <= step]
    part = path.with_name(f".{path.name}.part")
    part.write_text("".join(kept), encoding="utf-8")
    part.replace(path)
