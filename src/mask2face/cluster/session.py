"""Ray itself: a cluster that is there (RAY_ADDRESS), or one of this machine while a run lasts."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import ModuleType
from typing import Any, Final, TextIO, cast

from mask2face.crew import cores
from mask2face.errors import DeviceError, MissingExtraError

ADDRESS: Final = "RAY_ADDRESS"  # Ray's own variable: host:port, ray://host:10001 or auto
STORE: Final = 256 * 2**20  # bytes of the object store of a cluster that we start
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
    "RAY_worker_niceness": "0",  # Ray's default, 15, starves the workers beside other programs
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's coming default
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # a worker that is started again is no news for the terminal
}


def load() -> ModuleType:
    """Import Ray with its Data library.

    Raises:
        MissingExtraError: it is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for package in ("ray", "pyarrow", "fsspec"):
        try:
            __import__(package)
        except ImportError as error:
            raise MissingExtraError(package, "ray") from error
    import ray
    import ray.data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray's own about Ray's own
        ray.data.DataContext.get_current()
    return ray


@contextmanager
def session(workers: int | None = None) -> Iterator[ModuleType]:
    """Be connected to a cluster, and leave it as it was found.

    RAY_ADDRESS names the cluster. Without it Ray is started on this machine, and stopped at the
    end. A connection that the program already has is used and kept.

    Args:
        workers: cores that a cluster started here must offer; None for the machine's.

    Raises:
        MissingExtraError: Ray is not installed.
        DeviceError: the cluster does not answer.
    """
    ray = load()
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get(ADDRESS)
    options: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "configure_logging": True,
    }
    if not address:
        number = max(workers or 1, cores())
        local = {"num_cpus": number, "include_dashboard": False, "object_store_memory": STORE}
        options |= local | {"address": "local"}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        where = f"the Ray cluster at {ADDRESS}={address}" if address else "Ray on this machine"
        raise DeviceError(
            f"{where} does not start or answer ({str(error).splitlines()[0]:.300}): check the "
            f"address and `ray status`, or unset {ADDRESS} to use this machine alone"
        ) from error
    try:
        yield ray
    finally:
        with redirect_stdout(sys.stderr):  # says what it has kept back
            ray.shutdown()


def offered(ray: ModuleType, gpus: float = 0) -> int:
    """Return for how many workers of one core, and `gpus` GPUs, the cluster has room; at least 1.

    Raises:
        DeviceError: it has no room for one worker's GPU: Ray would wait for one for ever.
    """
    found = ray.cluster_resources()
    cores = max(1, int(found.get("CPU", 1)))
    if not gpus:
        return cores
    room = int(found.get("GPU", 0) / gpus)
    if not room:
        raise DeviceError("the Ray cluster has no GPU: add a machine with one, or --device cpu")
    return min(cores, room)


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Let what Ray's own threads print go to stderr: stdout is for results."""
    real = sys.stdout
    sys.stdout = cast("TextIO", _WithoutRay(real))
    try:
        yield
    finally:
        sys.stdout = real


class _WithoutRay:
    def __init__(self, real: TextIO) -> None:
        self._real = real

    def write(self, text: str) -> int:
        ours = not threading.current_thread().name.startswith("ray_")
        return (self._real if ours else sys.stderr).write(text)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._real, name)
