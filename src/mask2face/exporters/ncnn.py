"""Export a net for ncnn: NAME.param, NAME.bin and the card as NAME.json; run, then written."""

from pathlib import Path
from typing import Final

from torch import nn

from mask2face.exporters import contract, parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces
from mask2face.formats import ncnn
from mask2face.formats.folding import folded
from mask2face.formats.workshop import place, workshop
from mask2face.restorer import OUTPUT, ModelCard

TOLERANCE: Final = parity.FLOAT16.max_error  # of outputs in [0, 1]; weights are float16
_TARGET: Final = "ncnn"


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` for ncnn: `path`, its weights as .bin and its card as .json beside it.

    Input `crops` (3, S, S), output `restored` (4, S, S): ncnn takes one crop a call. A net with an
    `extra` has a second input of that name, (E). Weights are stored as float16. The files are
    opened in ncnn and compared with the net on noise and structured crops, and on faces where there
    are some; only then do they get their names.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into NAME.json, with the parity on `faces`.
        path: the file to write, `NAME.param`.
        overwrite: replace existing files.
        faces: compare on these, too.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: one of the files exists already, `path` has another ending, or it cannot be
            written.
        ModelError: the net breaks its contract or has a layer that ncnn does not know, or the files
            differ from it; or it wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `ncnn` or `pnnx` is not installed.
    """
    files = ncnn.begin(path, overwrite)
    frozen = contract.frozen(net)
    tries = contract.trials(frozen, card)
    wanted = [contract.expected(frozen, inputs) for inputs in tries]
    with workshop(files[0]) as folder:
        made = [folder / file.name for file in files]
        example = {name: x[:1] for name, x in tries[-1].items()}
        ncnn.write(folded(frozen), example, OUTPUT, made)
        run = ncnn.Session(made[0], contract.PORTS)
        error = contract.difference(run, tries, wanted)
        contract.check_error(error, tolerance, "ncnn file")
        found = None
        if faces is not None:
            found = parity.compare(parity.of_net(frozen), run, faces)
            parity.Gate(tolerance).check(found, _TARGET)
            card, error = found.within(card), max(error, found.max_error)
        made[2].write_text(card.to_json() + "\n", encoding="utf-8")
        place(made[::-1], files[::-1])  # .param last: with it the net is there
    return Exported(files[0], sum(file.stat().st_size for file in files), error, found, files)
