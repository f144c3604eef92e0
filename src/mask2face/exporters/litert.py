"""Export a net to one .tflite file in float32 that carries its card; compare, then say yes."""

from pathlib import Path
from typing import Final

from torch import nn

from mask2face import files
from mask2face.errors import ModelError
from mask2face.exporters import contract, parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Parity
from mask2face.formats.litert_conversion import convert
from mask2face.formats.litert_file import PACKAGES, Session, read_metadata, with_metadata
from mask2face.formats.packages import check_packages
from mask2face.formats.workshop import workshop
from mask2face.restorer import CARD_KEY, OUTPUT, ModelCard

TOLERANCE: Final = parity.FLOAT32.max_error  # of outputs in [0, 1]


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` as one .tflite file for LiteRT, in float32.

    Input `crops` (1, S, S, 3) RGB in [0, 1], output `restored` (1, S, S, 4) in [0, 1]: RGB and the
    hole's probability; channels last, as Android's bitmaps have them, and one crop a call. A net
    with an `extra` has a second input of that name, (1, E). The card lies in the file's metadata.
    The file is opened in LiteRT and compared with the net; only then does it get its name.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the file, with the comparison's numbers where there are `faces`.
        path: the file to write.
        overwrite: replace an existing file.
        faces: compare on these, too.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        ModelError: the net breaks its contract or has a layer that LiteRT cannot express, or the
            file differs from it; or it wants face embeddings, and `card.embedder` is empty.
        MissingExtraError: the extra `litert` is not installed.
    """
    path = begin(path, overwrite)
    frozen = contract.frozen(net)
    data, error = converted(frozen, card, tolerance)
    found = None
    if faces is not None:
        found = parity.compare(parity.of_net(frozen), Session(data, contract.PORTS), faces)
        parity.Gate(tolerance).check(found, "litert")
    return finish(data, card, path, error, found)


def begin(path: str | Path, overwrite: bool) -> Path:
    """Return `path` if it may be written, before any work is done.

    Raises:
        OutputError: it exists already, or its folder does not.
        MissingExtraError: the extra `litert` is not installed.
    """
    check_packages(*PACKAGES)
    files.check_target(Path(path), overwrite)
    return Path(path)


def converted(net: nn.Module, card: ModelCard, tolerance: float) -> tuple[bytes, float]:
    """Return a float32 .tflite file of `net` and by how much it differs on noise and structure.

    Args:
        net: as `contract.frozen` gives it.
        card: says the crops' side, and whose the face embeddings are.
        tolerance: largest difference allowed.

    Raises:
        ModelError: see `export`.
    """
    tries = contract.trials(net, card)
    wanted = [contract.expected(net, inputs) for inputs in tries]
    data = convert(net, {name: value[:1] for name, value in tries[-1].items()}, OUTPUT)
    error = contract.difference(Session(data, contract.PORTS), tries, wanted)
    contract.check_error(error, tolerance, "LiteRT file")
    return data, error


def finish(
    data: bytes, card: ModelCard, path: Path, error: float, found: Parity | None
) -> Exported:
    """Write `data` with its card under a temporary name, open it again, then rename it.

    Args:
        data: a .tflite file.
        card: goes into it, with the numbers of `found`.
        path: where to.
        error: largest difference from the net.
        found: the comparison on faces, if there was one.

    Raises:
        ModelError: the card did not survive.
        OutputError: the file cannot be written.
    """
    if found is not None:
        card = found.within(card)
    data = with_metadata(data, CARD_KEY, card.to_json())
    with workshop(path) as folder:
        part = folder / path.name
        part.write_bytes(data)
        again = part.read_bytes()
        side = (card.side, card.side)
        if read_card(again) != card or Session(again, contract.PORTS).size != side:
            raise ModelError("the card inside the LiteRT file is not the one that was put there")
        part.replace(path)
    return Exported(path, len(data), error, found, (path,))


def read_card(data: bytes) -> ModelCard:
    """Return the card inside a .tflite file.

    Raises:
        ModelError: `data` is no .tflite file, or has no card or a broken one.
        MissingExtraError: LiteRT is not installed.
    """
    return ModelCard.from_json(read_metadata(data, CARD_KEY))
