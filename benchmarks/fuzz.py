"""Feed thousands of broken and hostile photos to the library and to the server.

    python benchmarks/fuzz.py --cases 6000

Each case of `mutants` goes through `photos.read`, `Unmasker` and `photos.encode`, whose result and
mark are read back; and as an upload through the server's application: raw or as a form, with
options drawn at random. Allowed are a result, a `Mask2FaceError`, and the answers 200, 4xx and 503.
Everything else is a finding: another exception, a warning, an answer with 5xx, a broken result, a
crash, a case that takes longer than `--limit` of the processor, or `PATIENCE` times that by the
clock. The cases run in a child process; it is started again behind a case that killed it. Exit
status 1 where anything was found.
"""

import argparse
import asyncio
import contextlib
import faulthandler
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator

QUERIES = (
    *("", "", "", "format=jpeg", "format=png", "format=webp", "format=tiff", "format=bmp"),
    *("quality=50", "hole_only=true", "inline=true", "threshold=0.1", "faces=largest"),
)
ACCEPTS = (*("", "*/*") * 4, "application/json", "image/png", "image/webp", "text/html")
TYPES = ("image/jpeg", "image/png", "application/octet-stream", "")
_ALARM = re.compile("Warning|Traceback|Exception ignored")  # on stderr, of no case
PATIENCE = 10  # a busy machine gives a case a part of its processor
STEP = 100  # MB; a case that raises the highest memory by more is named


@dataclass
class Tally:
    """What came out.

    Attributes:
        outcomes: how often, "library: read", "server: 422" and so on.
        findings: words for each thing that must not be.
        cases: done.
        slowest: s of the processor, and which case.
        memory: MB after each of the cases.
        steps: cases that raised the highest memory by more than `STEP`.
        peak: MB, highest.
        noise: lines on stderr, of libtiff and of loggers that nobody listens to.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    cases: int = 0
    slowest: tuple[float, str] = (0.0, "")
    memory: list[float] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    peak: float = 0.0
    noise: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Take in what a child said about a case."""
        case = f"case {row['case']} ({row['name']})"
        self.cases += 1
        self.outcomes.update(row["outcomes"])
        self.findings += [f"{case}: {words}" for words in row["findings"]]
        self.slowest = max(self.slowest, (row["seconds"], case))
        self.memory.append(row["memory"])
        if self.peak and row["peak"] > self.peak + STEP:
            self.steps.append(f"{case}: {row['peak']:.0f} MB")
        self.peak = max(self.peak, row["peak"])


def watch(command: Callable[[int], list[str]], count: int) -> Tally:
    """Run cases 0 to `count` - 1 in child processes; a case that ends its process is a finding.

    Args:
        command: the first case to run -> a child's command. The child writes a line
            `{"begin": case, "name": ...}` before each case, and what `Tally.add` takes after it.
        count: cases.
    """
    tally, start = Tally(), 0
    while start < count:
        begun: dict[str, Any] = {"begin": start - 1, "name": "the start of the child"}
        with tempfile.TemporaryFile("w+") as errors:
            child = subprocess.Popen(
                command(start), stdout=subprocess.PIPE, stderr=errors, text=True
            )
            with child:
                for line in child.stdout or ():
                    row = json.loads(line)
                    if "begin" in row:
                        begun = row
                    else:
                        tally.add(row)
                        begun = {"begin": row["case"], "name": ""}
            errors.seek(0)
            said = errors.read()
        if child.returncode:
            where = f"case {begun['begin']} ({begun['name']})"
            tally.findings.append(f"{where}: the process ended with {child.returncode}\n{said}")
        tally.noise += len(said.splitlines())
        tally.findings += [line for line in said.splitlines() if _ALARM.search(line)]
        if begun["begin"] < start:  # it did not even begin: it never will
            break
        start = begun["begin"] + 1
    return tally


# The child


def rss() -> float:
    """Return the memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Cases:
    """Do cases in this process.

    Args:
        model: as in `Unmasker`.
        seed: of the mutants.
    """

    def __init__(self, model: str | None, seed: int) -> None:
        from mask2face import Unmasker
        from mask2face.server import Settings, create_app

        self._seed = seed
        self._unmasker = Unmasker(model, "cpu")
        self._app = create_app(Settings(model=model, device="cpu", workers=2))
        self._loop = asyncio.new_event_loop()

    def __call__(self, case: int, data: bytes) -> tuple[list[str], list[str]]:
        """Return outcomes and findings of a case."""
        import numpy as np

        rng = np.random.default_rng([self._seed, case, 1])
        outcomes, findings = [], []
        for name, do in (("library", self._library), ("server", self._server)):
            try:
                outcomes.append(f"{name}: {do(data, rng)}")
            except Exception:
                outcomes.append(f"{name}: FAILED")
                findings.append(f"{name}: {traceback.format_exc()}")
        return outcomes, findings

    def _library(self, data: bytes, rng: "Generator") -> str:
        from mask2face import photos, provenance
        from mask2face.errors import Mask2FaceError, OutputError

        with contextlib.suppress(Mask2FaceError):
            provenance.read_mark(data)
        try:
            photo = photos.read(data)
        except Mask2FaceError as error:
            return type(error).__name__
        after, result = self._unmasker.restore(photo)
        target = None if rng.random() < 0.6 else str(rng.choice(list(photos.FORMATS)))
        try:
            encoded = photos.encode(after, target)
        except OutputError:
            if target is None:
                raise  # what was read can be written in its own format
            return "read, not written in another format"
        again = photos.read(encoded)
        if again.pixels.shape != photo.pixels.shape:
            raise ValueError(f"{photo.pixels.shape} was written as {again.pixels.shape}")
        found = provenance.read_mark(encoded)
        if result.changed and provenance.carries_mark(target or after.format):
            if found is None or not found.by_mask2face:
                raise ValueError("the result carries no mark")
            return "filled"
        return "unchanged"

    def _server(self, data: bytes, rng: "Generator") -> str:
        import mutants

        kind, body = str(rng.choice(TYPES)), data
        if rng.random() < 0.5:
            kind, body = mutants.form(rng, data)
        headers = [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())]
        headers += [(b"content-type", kind.encode())] if kind else []
        headers.append((b"accept", str(rng.choice(ACCEPTS)).encode()))
        query = str(rng.choice(QUERIES))
        status, answer = self._loop.run_until_complete(self._ask(body, headers, query))
        if status != 503 and not 200 <= status < 500:
            raise ValueError(f"answer {status} to ?{query} {kind}: {answer[:300]!r}")
        return str(status)

    async def _ask(
        self, body: bytes, headers: list[tuple[bytes, bytes]], query: str
    ) -> tuple[int, bytes]:
        """Give a request to the application; return the answer's status and body."""
        parts = [body[at : at + 65536] for at in range(0, len(body), 65536)] or [b""]
        answer, status = bytearray(), 0

        async def receive() -> dict[str, Any]:
            if parts:
                return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
            await asyncio.Event().wait()  # the client stays
            raise AssertionError

        async def send(message: Any) -> None:  # noqa: ANN401 - ASGI's own
            nonlocal status
            status = message.get("status", status)
            answer.extend(message.get("body", b""))

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/v1/unmask",
            "raw_path": b"/v1/unmask",
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
            "state": {},
        }
        await self._app(scope, receive, send)
        return status, bytes(answer)


def work(arguments: argparse.Namespace) -> None:
    """Do the cases from `arguments.start` on, and say what came out."""
    faulthandler.enable()
    faulthandler.dump_traceback_later(600, exit=True)  # its start
    import logging

    import mutants

    logging.getLogger("mask2face.server").addHandler(logging.NullHandler())
    cases, out = Cases(arguments.model, arguments.seed), sys.stdout
    warnings.simplefilter("error")
    for case in range(arguments.start, arguments.cases):
        mutant = mutants.mutant(arguments.seed, case)
        print(json.dumps({"begin": case, "name": mutant.name}), file=out, flush=True)
        faulthandler.dump_traceback_later(PATIENCE * arguments.limit, exit=True)
        began = time.process_time()
        outcomes, findings = cases(case, mutant.data)
        seconds = time.process_time() - began
        if seconds > arguments.limit:
            findings.append(f"it took {seconds:.1f} s")
        row = {"case": case, "name": mutant.name, "outcomes": outcomes, "findings": findings}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        row |= {"seconds": seconds, "memory": rss(), "peak": peak}
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(row), file=out, flush=True)
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    os._exit(0)  # threads of the server's batcher do not hold it up


def report(tally: Tally) -> Iterator[str]:
    """Yield the lines to print."""
    yield f"{tally.cases} cases"
    for name, count in sorted(tally.outcomes.items()):
        yield f"  {name}: {count}"
    seconds, case = tally.slowest
    yield f"slowest: {seconds:.1f} s, {case}"
    for share in (0.1, 0.5, 1.0):
        at = max(0, round(share * len(tally.memory)) - 1)
        yield f"memory after {at + 1} cases: {tally.memory[at]:.0f} MB" if tally.memory else ""
    yield f"highest memory: {tally.peak:.0f} MB"
    yield from (f"  raised by {words}" for words in tally.steps)
    yield f"{tally.noise} lines on stderr"
    yield f"{len(tally.findings)} findings"
    yield from tally.findings


def main() -> int:
    """Run and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=10.0, help="s of the processor for a case")
    parser.add_argument("--model", help="name or ONNX file; default: natural")
    parser.add_argument("--start", type=int, default=0, help="first case")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        work(arguments)

    def command(start: int) -> list[str]:
        told = ("--cases", "--seed", "--limit")
        given = [word for name in told for word in (name, str(getattr(arguments, name[2:])))]
        model = ["--model", arguments.model] if arguments.model else []
        start = max(start, arguments.start)
        return [sys.executable, __file__, "--child", *given, *model, "--start", str(start)]

    tally = watch(command, arguments.cases)
    print("\n".join(report(tally)))
    return 1 if tally.findings else 0


if __name__ == "__main__":
    sys.exit(main())
