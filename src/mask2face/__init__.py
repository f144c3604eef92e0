"""Photos of people in face masks -> the same photos with a plausible, invented lower face.

Importing this loads nothing heavy: each public name brings its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mask2face.configuration import Configuration
    from mask2face.errors import Mask2FaceError
    from mask2face.generator import DataGenerator
    from mask2face.masking import mask
    from mask2face.model import Mask2FaceModel, UNet
    from mask2face.pipeline import Unmasker, unmask

__version__ = "0.1.0"

__all__ = [
    "Configuration",
    "DataGenerator",
    "Mask2FaceError",
    "Mask2FaceModel",
    "UNet",
    "Unmasker",
    "__version__",
    "mask",
    "unmask",
]

_HOMES = {
    "Configuration": "configuration",
    "DataGenerator": "generator",
    "Mask2FaceError": "errors",
    "Mask2FaceModel": "model",
    "UNet": "model",
    "Unmasker": "pipeline",
    "mask": "masking",
    "unmask": "pipeline",
}  # public name -> module that defines it

_TRAINING = ("torch", "safetensors", "tensorboard")  # come with the extra `train`


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import a public name on first use.

    Raises:
        MissingExtraError: it needs a package that is not installed.
        MissingLibraryError: a package that it needs lacks a library of the system.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name in _TRAINING:
            from mask2face.errors import MissingExtraError

            raise MissingExtraError(error.name, "train") from error
        raise
    except ImportError as error:
        from mask2face.errors import MissingLibraryError

        known = MissingLibraryError.of(error)
        if known is None:
            raise
        raise known from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, also those not imported yet."""
    return sorted({*globals(), *__all__})
