"""Jobs -> results in the order of the jobs, by a pool of workers on a Ray cluster (Ray Data).

Each worker starts once, on a core of its own. Ray starts it again when it is killed, and what it
had in hand is done again: jobs must give the same result however often they are done.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

from mask2face.cluster.session import offered, session
from mask2face.errors import Mask2FaceError

Job = TypeVar("Job")
Result = TypeVar("Result")

TRIES: Final = 3  # a job that has ended so many workers is given up
IN_FLIGHT: Final = 2  # bundles that a worker has: one in work, one waiting
_BUNDLE: Final = 32  # jobs that travel together, at most; a kill costs at most so many, done again
_BUNDLES: Final = 8  # a worker has at least so many, where there are enough jobs: they end together
_BUFFER: Final = 128 * 2**20  # bytes of results that may wait for the one who takes them

_failure: Final = "error"
_result: Final = "result"


def in_order(
    start: Callable[[], Callable[[Job], Result]],
    jobs: Sequence[Job],
    workers: int | None = None,
    *,
    lost: Callable[[Job], Result],
    gpus: float = 0,
    bundle: int = _BUNDLE,
) -> Generator[Result, None, None]:
    """Yield the result of each job, in order. The workers wait for who takes the results.

    Args:
        start: called once in each worker; what it returns is called with each job. It, the jobs
            and the results must be picklable, and what they need installed on each machine.
        jobs: what is to be done; doing one twice must give the same.
        workers: processes of one core each; None for one a core of the cluster.
        lost: job -> what stands for it once it has ended `TRIES` workers, as by taking all memory.
        gpus: of a worker.
        bundle: jobs that travel together at most.

    Raises:
        MissingExtraError: Ray is not installed.
        DeviceError: the cluster named by RAY_ADDRESS does not answer, or has no GPU to give.
        Mask2FaceError: what `start` raised in a worker.
        Exception: what a job raised, or `start`.
    """
    if not jobs:
        return
    with session(workers) as ray:
        room = offered(ray, gpus)
        pool = min(workers or room, len(jobs))
        ledger = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Ledger).remote()
        rows = [{"number": number, "job": _packed(job)} for number, job in enumerate(jobs)]
        size = max(1, min(bundle, len(jobs) // (pool * _BUNDLES)))
        with ray.data.DataContext.current(_context(ray)):
            done = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // size)).map_batches(
                _Worker,
                fn_constructor_args=(_packed(start), ledger, _packed(lost)),
                batch_size=None,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(
                    size=pool, max_tasks_in_flight_per_actor=IN_FLIGHT
                ),
                num_cpus=1,
                num_gpus=gpus,
            )
            for row in done.iter_rows():
                kind, value = _unpacked(row["done"])
                if kind == _failure:
                    raise value
                yield value


class _Ledger:
    """Counts how often each job in hand was begun; an actor, so that it outlives the workers."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, number: int, ended: int | None) -> int:
        """Note that a job begins and another has ended; return how often it was begun before."""
        if ended is not None:
            self._begun.pop(ended, None)
        before = self._begun.get(number, 0)
        self._begun[number] = before + 1
        return before


class _Worker:
    """Does bundles of jobs: a table with the columns number, job -> one with the column done."""

    def __init__(self, start: bytes, ledger: Any, lost: bytes) -> None:  # noqa: ANN401
        import cv2

        cv2.setNumThreads(1)  # there is a worker a core
        self._ledger = ledger
        self._ended: int | None = None
        self._broken: Exception | None = None
        try:
            self._lost, self._do = _unpacked(lost), _unpacked(start)()
        except Exception as error:  # raised in here, Ray would try for ever
            self._broken = error

    def __call__(self, bundle: Any) -> Any:  # noqa: ANN401
        import pyarrow

        numbers, jobs = (bundle.column(name).to_pylist() for name in ("number", "job"))
        done = [self._one(number, job) for number, job in zip(numbers, jobs, strict=True)]
        return pyarrow.table({"done": pyarrow.array(done, pyarrow.large_binary())})

    def _one(self, number: int, job: bytes) -> bytes:
        import ray

        if self._broken is not None:
            return _packed((_failure, portable(self._broken)))
        before = ray.get(self._ledger.begin.remote(number, self._ended))
        self._ended = number
        try:
            todo = _unpacked(job)
            return _packed((_result, self._do(todo) if before < TRIES else self._lost(todo)))
        except Exception as error:
            return _packed((_failure, portable(error)))


def portable(error: Exception) -> Exception:
    """Return an error that can travel: with the words and the exit status of `error`."""
    if isinstance(error, Mask2FaceError):
        plain = Mask2FaceError(str(error))
        plain.exit_code, plain.http_status = error.exit_code, error.http_status
        return plain
    return RuntimeError(f"{type(error).__name__} in a worker: {error}")


def _context(ray: Any) -> Any:  # noqa: ANN401
    """Return how Ray Data runs us: in order, in bounded memory, and silently."""
    import logging

    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    limits = type(context.execution_options.resource_limits)
    context.execution_options.resource_limits = limits.for_limits(object_store_memory=_BUFFER)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return context


def _packed(value: Any) -> bytes:  # noqa: ANN401
    from ray import cloudpickle

    packed: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]
    return packed


def _unpacked(data: bytes) -> Any:  # noqa: ANN401
    from ray import cloudpickle

    return cloudpickle.loads(data)
