"""The folder of a training run: a name for a new one, the weights that count, a picture."""

import importlib.util
from pathlib import Path

from mask2face.history import read_history, write_history
from mask2face.recipe import read


def new_run(name: str) -> Path:
    """Return the first of runs/NAME-1, runs/NAME-2, ... that is not there."""
    number = 1
    while (folder := Path("runs") / f"{name}-{number}").exists():
        number += 1
    return folder


def weights_of(run: Path) -> Path:
    """Return the weights that count: the best, or the last where the run ends with a critic.

    A critic makes faces sharper and their PSNR, which names the best, lower.

    Raises:
        ConfigurationError: the run's recipe is broken.
    """
    recipe = run / "recipe.json"
    sharper = recipe.exists() and read(recipe).phases[-1].adversarial > 0
    return run / ("last.safetensors" if sharper else "best.safetensors")


def write_picture(run: Path) -> None:
    """Draw the log as `history.png`, where matplotlib is installed and the log has a number.

    Raises:
        DataError: the log is missing or broken.
        OutputError: the picture cannot be written.
    """
    if importlib.util.find_spec("matplotlib") and read_history(run):
        write_history(run, run / "history.png", overwrite=True)
