"""Open an ONNX Runtime session on the device asked for, or say why that cannot be."""

import os
from pathlib import Path
from typing import Any

from mask2face.errors import DeviceError, ModelError
from mask2face.registry import lookup

PROVIDERS: dict[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
}


def provider(device: str) -> str:
    """Return ONNX Runtime's provider for `device`; "auto" takes CUDA where it is, else the CPU.

    Raises:
        UnknownNameError: `device` is no name we know.
        DeviceError: this installation of ONNX Runtime has no such provider.
    """
    onnxruntime = _onnxruntime()
    available = onnxruntime.get_available_providers()
    if device == "auto":
        return next(name for name in (PROVIDERS["cuda"], PROVIDERS["cpu"]) if name in available)
    wanted = lookup("device", {"auto": "", **PROVIDERS}, device)
    if wanted not in available:
        usable = ", ".join(name for name, value in PROVIDERS.items() if value in available)
        fix = "pip install onnxruntime-gpu" if device == "cuda" else "a build of onnxruntime for it"
        raise DeviceError(
            f"device {device!r} is not available in this onnxruntime (it has: {usable}); "
            f"use one of these, or install {fix}"
        )
    return wanted


def session(model: Path | bytes, device: str = "auto", threads: int = 0) -> Any:  # noqa: ANN401
    """Open `model` (an ONNX file or its bytes) on `device`.

    Args:
        model: path or bytes of the ONNX file.
        device: "auto" or a key of `PROVIDERS`.
        threads: CPU threads; 0 leaves the choice to ONNX Runtime.

    Raises:
        ModelError: the file is missing or is not an ONNX file.
        DeviceError: the device is not available, or refused the model.
    """
    onnxruntime = _onnxruntime()
    wanted = provider(device)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: old exporters' files warn a hundred times
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False  # the arena keeps the largest photo's memory for good
    source = model if isinstance(model, bytes) else str(model)
    try:
        opened = onnxruntime.InferenceSession(source, options, providers=[wanted])
    except Exception as error:  # onnxruntime's errors share no base class
        name = "the model" if isinstance(model, bytes) else f"{model}"
        raise ModelError(
            f"{name} cannot be opened as an ONNX file ({error}): export, copy or install it again"
        ) from error
    # "auto" may end on the CPU: whoever asks for it prints the provider in use
    if opened.get_providers()[0] != wanted and device != "auto":
        raise DeviceError(
            f"onnxruntime fell back from {wanted} to {opened.get_providers()[0]}: "
            "check that its driver libraries are installed, or use --device cpu"
        )
    return opened


def _onnxruntime() -> Any:  # noqa: ANN401
    """Import ONNX Runtime without the telemetry that its wheels have from 1.31 on.

    It reads the variable when it is loaded. A user who wants it can set the variable to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
