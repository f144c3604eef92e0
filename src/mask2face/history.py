"""The log of a training run -> a plot: losses by term, PSNR and IoU of the validation, by step."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mask2face import files
from mask2face.errors import DataError, MissingExtraError, OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NO_LOSS: Final = ("gradient", "rate", "steps_per_second")  # also in a row of training
_SCORES: Final = {"hole_psnr": "hole PSNR, dB", "hole_iou": "hole IoU"}
_INCHES: Final = (12.0, 3.6)
_DPI: Final = 120  # of a picture; drawings as PDF or SVG have none

Curve = tuple[list[int], list[float]]
"""Steps and values."""


@dataclass(frozen=True)
class History:
    """What a run wrote down, by step.

    Attributes:
        losses: name of a weighted term -> its curve, each value the mean of the steps since the
            last one; "critic" is the critic's own loss, which the net does not see.
        scores: name of a validation's score -> its curve, as `hole_psnr` in dB and `hole_iou`.
    """

    losses: Mapping[str, Curve]
    scores: Mapping[str, Curve]

    def __bool__(self) -> bool:
        """Return whether there is a number in it."""
        return bool(self.losses or self.scores)


def read_history(run: str | Path) -> History:
    """Read the log of a run folder, also of a run that is still going on.

    Raises:
        DataError: there is no log, or it is broken.
    """
    path = Path(run) / "log.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        # a row without its end is being written
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        losses = _curves([row for row in rows if row["kind"] == "train"])
        scores = _curves([row for row in rows if row["kind"] == "validation"])
    except FileNotFoundError as error:
        raise DataError(f"no log of training at {str(path)!r}: give the folder of a run") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the log {str(path)!r} is broken: {error}") from error
    return History({k: v for k, v in losses.items() if k not in _NO_LOSS}, scores)


def plot_history(run: str | Path) -> "Figure":
    """Draw the losses, and PSNR and IoU inside the validation's holes, each over the steps.

    Args:
        run: folder of a run, which may be still going on.

    Returns:
        A figure that no window shows: a notebook does where it is a cell's last line.

    Raises:
        DataError: the run has no log, or a broken one, or nothing was written into it yet.
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train") from error
    found = read_history(run)
    if not found:
        raise DataError(f"nothing is in the log of {str(run)!r} yet: train for 20 steps or more")
    figure = Figure(figsize=_INCHES, layout="constrained")
    left, *right = figure.subplots(1, 1 + len(_SCORES))
    _draw(left, found.losses, "weighted losses")
    left.set_yscale("symlog", linthresh=0.01)  # terms differ a hundredfold, and some fall below 0
    for axes, (name, title) in zip(right, _SCORES.items(), strict=True):
        _draw(axes, {name: found.scores[name]} if name in found.scores else {}, title)
    return figure


def write_history(run: str | Path, out: str | Path, *, overwrite: bool = False) -> Path:
    """Write the plot of a run to a file.

    Args:
        run: folder of a run.
        out: .png, .svg, .pdf or another kind of file that matplotlib writes.
        overwrite: replace a file that is there.

    Raises:
        DataError: see `plot_history`.
        OutputError: the file is there, cannot be written, or is of an unknown kind.
        MissingExtraError: matplotlib is not installed.
    """
    out = Path(out)
    files.check_target(out, overwrite)
    figure = plot_history(run)
    kinds = figure.canvas.get_supported_filetypes()
    kind = out.suffix.lower().removeprefix(".")
    if kind not in kinds:
        raise OutputError(f"{out} names no kind of picture: end it with .png, .svg or .pdf")
    data = io.BytesIO()
    figure.savefig(data, format=kind, dpi=_DPI)
    files.write(data.getvalue(), out, overwrite=overwrite)
    return out


def _curves(rows: list[dict[str, Any]]) -> dict[str, Curve]:
    """Return the curve of each number in `rows`; not all rows have all of them."""
    curves: dict[str, Curve] = {}
    for row in rows:
        for name, value in row.items():
            if name not in ("kind", "step"):
                steps, values = curves.setdefault(name, ([], []))
                steps.append(int(row["step"]))
                values.append(float(value))
    return curves


def _draw(axes: "Axes", curves: Mapping[str, Curve], title: str) -> None:
    for name, (steps, values) in curves.items():
        # a single validation is a point, which a line does not show
        axes.plot(steps, values, marker="." if len(steps) < 30 else "", label=name)
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(fontsize="small")
