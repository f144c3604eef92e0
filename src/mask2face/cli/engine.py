"""Which engine does the work: this process, or the workers of a Ray cluster."""

from typing import Final

from mask2face.cluster.session import load
from mask2face.registry import lookup

ENGINES: Final = ("local", "ray")


def on_ray(engine: str) -> bool:
    """Say whether `--engine` asks for Ray.

    Raises:
        UnknownNameError: there is no such engine.
        MissingExtraError: Ray is not installed.
    """
    lookup("engine", dict.fromkeys(ENGINES), engine)
    if engine == "ray":
        load()
    return engine == "ray"
