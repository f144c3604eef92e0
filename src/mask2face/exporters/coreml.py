"""Export a net to a Core ML package that carries its card; its specification is read again."""

from pathlib import Path

from torch import nn

from mask2face.exporters import contract
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces
from mask2face.formats import coreml
from mask2face.formats.folding import folded
from mask2face.formats.workshop import place, workshop
from mask2face.restorer import CARD_KEY, OUTPUT, ModelCard


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as a Core ML package (an ML program, iOS 16 or macOS 13 and later).

    Input `crops` (1, 3, S, S), output `restored` (1, 4, S, S), both float32; weights and what is
    computed in between are float16. A net with an `extra` has a second input of that name, (1, E).
    The package is read again, and its ports, operations, weights and card are checked. Core ML runs
    on Apple's systems only: what it computes is not compared here.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the package's own metadata under `mask2face.card`.
        path: the package to write, `NAME.mlpackage`; it is a folder.
        overwrite: replace an existing package.
        faces: not used, since nothing is compared.

    Raises:
        OutputError: `path` exists already, has another ending, or cannot be written.
        ModelError: the net breaks its contract or has a layer that Core ML cannot express; or it
            wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `coremltools` is not installed.
    """
    path = coreml.begin(path, overwrite)
    plain = folded(contract.frozen(net))
    tries = contract.trials(plain, card)
    for inputs in tries:
        contract.expected(plain, inputs)
    example = {name: values[:1] for name, values in tries[-1].items()}
    about = coreml.About({CARD_KEY: card.to_json()}, card.intended_use, card.licence, card.version)
    with workshop(path) as folder:
        made = folder / path.name
        size = coreml.write(plain, example, OUTPUT, about, made)
        place([made], [path])
    return Exported(path, size, None, note=coreml.NOTE)
