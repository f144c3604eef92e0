"""Integer twins of models: what they are called, and where they lie among released files."""

from pathlib import Path

TWIN = "-int8"  # ends the name of a model that computes in integers


def released(folder: Path, name: str) -> Path:
    """Return where a model lies in a folder of released ones: twins in int8, under its name."""
    if name.endswith(TWIN):
        return folder / "int8" / f"{name.removesuffix(TWIN)}.onnx"
    return folder / f"{name}.onnx"
