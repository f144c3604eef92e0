"""An exported model as a callable: crops uint8 (N, S, S, 3) -> restored crops and holes.

The file is ONNX and carries its own `ModelCard`; a file without one is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mask2face import devices
from mask2face.errors import ModelError, UnknownNameError
from mask2face.extra_input import EXTRAS, FACE, Extra, FaceVectors
from mask2face.registry import lookup

DEFAULT_MODEL = "natural"
CARD_KEY = "mask2face.card"  # key of the card among the ONNX metadata
INPUT, OUTPUT = "crops", "restored"
BATCH = 8  # crops a run; more would only cost memory on a CPU


@dataclass(frozen=True)
class ModelCard:
    """What a model is, where it comes from and what it must not be used for.

    Attributes:
        name: short name, as in `--model natural`.
        version: version of the weights.
        side: crop side S in pixels.
        net: name of the network in `NETS`.
        parameters: number of trained numbers.
        gmac: multiply-accumulates for one crop, in 10^9.
        licence: of the weights.
        data: what it was trained on.
        training: how it was trained.
        metrics: measured numbers by name, as `{"hole_psnr": 21.3}`.
        intended_use: what it is for.
        limits: what it cannot do and must not be used for.
        embedder: what makes the face embeddings of its second input: "dlib", or the name of a
            FaceNet file that lies beside it; "" for a model without.
        options: the constructor arguments of the network that are not its defaults.
    """

    name: str
    version: str
    side: int
    net: str
    parameters: int
    gmac: float
    licence: str
    data: str
    training: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    intended_use: str = "Fills in a plausible, invented lower face where a face mask is."
    limits: str = (
        "The result is invented, not recovered: it does not show who someone is. "
        "Never use it to identify, verify or accuse anyone."
    )
    embedder: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if part.type in (str, "str") and not isinstance(value, str):
                raise ValueError(f"card {part.name} must be text, got {value!r}")
        if not self.name or isinstance(self.side, bool) or not isinstance(self.side, int):
            raise ValueError(
                f"card needs a name and a whole side, got {self.name!r}, {self.side!r}"
            )
        if self.side < 1 or self.parameters < 0 or self.gmac < 0:
            raise ValueError("card side must be at least 1, parameters and gmac not negative")
        if not all(isinstance(value, int | float) for value in self.metrics.values()):
            raise ValueError(f"card metrics must be numbers by name, got {self.metrics!r}")
        if not isinstance(self.options, Mapping):
            raise ValueError(f"card options must be values by name, got {self.options!r}")

    def to_json(self) -> str:
        """Return the card as JSON text."""
        return json.dumps({**asdict(self), "metrics": dict(self.metrics)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read what `to_json` wrote; keys of later versions are ignored.

        Raises:
            ModelError: not JSON, or a field is missing or wrong.
        """
        try:
            values = json.loads(text)
            known = {part.name: values[part.name] for part in fields(cls) if part.name in values}
            return cls(**known)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ModelError(
                f"the model card inside the file is broken ({error}): export the model again"
            ) from error


class Restorer:
    """Run an exported model on crops.

    Args:
        path: ONNX file that `mask2face export` wrote.
        device: "auto", "cpu", "cuda" or another name that `devices` knows.
        threads: CPU threads; 0 = one a core.

    Attributes:
        card: the model's card, read from the file.
        extra: its second input, or None for a model that takes crops alone.
        provider: ONNX Runtime's execution provider in use.

    Raises:
        ModelError: the file is missing, broken or not one of ours.
        DeviceError: the device is not available.
    """

    def __init__(self, path: str | Path, device: str = "cpu", threads: int = 0) -> None:
        path = Path(path)
        if not path.is_file():
            raise ModelError(f"{path} is not a file: give an ONNX file that mask2face exported")
        self._session = devices.session(path, device, threads)
        self.card = self._read_card(path)
        self.extra = self._read_extra(path)
        self._faces: FaceVectors | None = None
        if self.extra is not None and self.extra.name == FACE:
            self._faces = FaceVectors(path, self.card.embedder, self.extra.size)
        self.provider: str = self._session.get_providers()[0]

    def _read_card(self, path: Path) -> ModelCard:
        """Return the card and check that the graph keeps its contract."""
        text = self._session.get_modelmeta().custom_metadata_map.get(CARD_KEY)
        if text is None:
            raise ModelError(
                f"{path} is an ONNX file without {CARD_KEY!r} in its metadata, so not one of ours: "
                "give a file that `mask2face export` wrote"
            )
        card = ModelCard.from_json(text)
        side = card.side
        ports = (*self._session.get_inputs()[:1], *self._session.get_outputs())
        found = [(port.name, port.shape[1:]) for port in ports]
        wanted = [(INPUT, [3, side, side]), (OUTPUT, [4, side, side])]
        if found != wanted:
            raise ModelError(
                f"{path} maps {found}, expected {wanted}: export it again with `mask2face export`"
            )
        return card

    def _read_extra(self, path: Path) -> Extra | None:
        """Return the graph's second input, checked."""
        more = [(port.name, port.shape[1:]) for port in self._session.get_inputs()[1:]]
        if not more:
            return None
        name, shape = more[0]
        if len(more) > 1 or name not in EXTRAS or len(shape) != 1 or not isinstance(shape[0], int):
            raise ModelError(
                f"{path} also takes {more}, expected one vector a crop named "
                f"{' or '.join(map(repr, EXTRAS))}: export it again with `mask2face export`"
            )
        return Extra(name, shape[0])

    def prepare(self) -> None:
        """Open now what the second input needs, which else the first crops do.

        Raises:
            ModelError: it wants a FaceNet file that is missing or broken.
            MissingExtraError: it wants dlib, which is not installed.
        """
        if self._faces is not None:
            self._faces.open()

    def __call__(
        self, crops: NDArray[np.uint8], extra: NDArray[np.float32] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Restore crops.

        Args:
            crops: RGB uint8 (N, S, S, 3), S = `card.side`; N may be 0.
            extra: (N, E) for a model with a second input, E = `extra.size`. None gives zeros as
                "noise", and as "face" what the card's embedder makes of `crops`.

        Returns:
            Restored crops, RGB uint8 (N, S, S, 3), not composited, and the predicted holes,
            float32 (N, S, S) in [0, 1], 1 = replace.

        Raises:
            ValueError: another dtype or shape, or `extra` for a model that takes none.
            ModelError: the model fails, or see `prepare`.
            MissingExtraError: see `prepare`.
        """
        side = self.card.side
        if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (side, side, 3):
            raise ValueError(
                f"crops must be uint8 (N, {side}, {side}, 3), got {crops.dtype} {crops.shape}"
            )
        vectors = self._vectors(crops, extra)
        restored = np.empty_like(crops)
        holes = np.empty(crops.shape[:3], np.float32)
        for start in range(0, len(crops), BATCH):
            part = slice(start, start + BATCH)
            # contiguous NCHW float32 in [0, 1], the graph's own unit
            batch = np.ascontiguousarray(crops[part].transpose(0, 3, 1, 2), np.float32)
            more = {name: vector[part] for name, vector in vectors.items()}
            result = np.clip(self._run({INPUT: batch / np.float32(255), **more}), 0, 1)
            restored[part] = np.rint(result[:, :3].transpose(0, 2, 3, 1) * 255).astype(np.uint8)
            holes[part] = result[:, 3]
        return restored, holes

    def _vectors(
        self, crops: NDArray[np.uint8], extra: NDArray[np.float32] | None
    ) -> dict[str, NDArray[np.float32]]:
        """Return the second input by name, if there is one."""
        if self.extra is None:
            if extra is not None:
                raise ValueError(f"model {self.card.name!r} takes crops alone, got extra")
            return {}
        wanted = (len(crops), self.extra.size)
        if extra is None:
            extra = self._faces(crops) if self._faces else np.zeros(wanted, np.float32)
        if extra.shape != wanted:
            raise ValueError(f"extra must be {wanted}, got {extra.shape}")
        return {self.extra.name: np.ascontiguousarray(extra, np.float32)}

    def _run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        try:
            result: Any = self._session.run([OUTPUT], dict(inputs))[0]
        except Exception as error:  # onnxruntime's errors share no base class
            raise ModelError(f"the model failed on {len(inputs[INPUT])} crops: {error}") from error
        return np.asarray(result, np.float32)


def shipped_models() -> dict[str, Path]:
    """Return the models inside the package: name to path, sorted by name."""
    folder = Path(__file__).parent / "weights"
    return {path.stem: path for path in sorted(folder.glob("*.onnx"))}


def file_name(path: Path) -> str:
    """Return what a model's file is called in a report: its name, and whether it is an int8 twin.

    >>> file_name(Path("weights/int8/natural.onnx")), file_name(Path("my/own.onnx"))
    ('int8/natural.onnx', 'own.onnx')
    """
    return f"int8/{path.name}" if path.parent.name == "int8" else path.name


def find_model(model: str | Path | None = None, device: str | None = None) -> Path:
    """Return the path of a model.

    Args:
        model: the name of a shipped model, a path of an ONNX file, or None for the default.
        device: where it will run. On a CPU a shipped model is its int8 file, where there is one:
            about three times as fast there, and nowhere else.

    Raises:
        ModelError: a path that is no file, or this installation ships no models.
        UnknownNameError: neither a shipped name nor a path; or no device of that name.
        DeviceError: the device is not available.
    """
    shipped = shipped_models()
    if isinstance(model, Path) or (model is not None and _is_path(model)):
        path = Path(model)
        if not path.is_file():
            raise ModelError(
                f"model file {path} does not exist or is not a file: give an ONNX file that "
                f"mask2face exported, or a shipped name ({', '.join(shipped) or 'none here'})"
            )
        return path
    if not shipped:
        raise ModelError("this installation ships no models: give the path of an ONNX file")
    if model is None:
        model = DEFAULT_MODEL if DEFAULT_MODEL in shipped else next(iter(shipped))
    try:
        path = lookup("model", shipped, model)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}; or give the path of an ONNX file") from error
    quantised = path.parent / "int8" / path.name
    on_cpu = device is not None and devices.provider(device) == devices.PROVIDERS["cpu"]
    return quantised if on_cpu and quantised.is_file() else path


def _is_path(model: str) -> bool:
    return model.endswith(".onnx") or "/" in model or "\\" in model or Path(model).is_file()
