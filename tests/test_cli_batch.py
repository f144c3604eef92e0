"""Jobs of a plan: order, several at a time, bad ones among them, Ctrl-C, what is said of them."""

import json
import threading
import time
import traceback

import pytest
import typer

from mask2face.cli import batch
from mask2face.cli.batch import Outcome
from mask2face.errors import PhotoError
from mask2face.files import _machine
from mask2face.folders import Job, Plan, sampled

TEN = range(10)


@pytest.fixture
def plan(tmp_path):
    """Ten files 0 to 9, to be written to `out`."""
    for number in TEN:
        (tmp_path / f"{number}.jpg").write_bytes(b"%d" % number)
    jobs = (
        Job(tmp_path / f"{number}.jpg", tmp_path / "out" / f"{number}.jpg", f"{number}.jpg")
        for number in TEN
    )
    return Plan(tuple(jobs), batch=True)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def copy(job, data, tell):
    time.sleep(0.01 * (int(data) % 3 == 0))
    return Outcome("done", f"photo {int(data)}", data)


def run(plan, work, capsys, workers=3, **options):
    """Return exit status, lines of stdout, lines of stderr."""
    status = 0
    try:
        batch.run(plan, work, workers=workers, **options)
    except typer.Exit as end:
        status = end.exit_code
    said = capsys.readouterr()
    return status, said.out.splitlines(), said.err.splitlines()


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_lines_come_in_the_order_of_the_plan(plan, capsys, workers):
    status, out, err = run(plan, copy, capsys, workers)
    assert (status, err) == (0, ["10 done"])
    assert [line.split("  ")[1] for line in out] == [f"photo {number}" for number in TEN]
    assert [job.target.read_bytes() for job in plan.jobs] == [b"%d" % number for number in TEN]


def test_so_many_photos_at_a_time_and_no_more(plan, capsys):
    running, most, lock = [0], [0], threading.Lock()
    threads = set()

    def work(job, data, tell):
        with lock:
            threads.add(threading.current_thread().name)
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1
        return Outcome("done", "", b"")

    run(plan, work, capsys, 3)
    assert most == [3]
    threads.clear()
    run(plan, work, capsys, 1, overwrite=True)
    assert threads == {threading.main_thread().name}


def test_bad_photos_among_many(plan, capsys):
    def work(job, data, tell):
        tell(f"note of {int(data)}")
        if int(data) in (3, 7):
            raise PhotoError(f"{job.source} is broken")
        if int(data) == 5:
            raise MemoryError
        return copy(job, data, tell)

    status, out, err = run(plan, work, capsys, as_json=True)
    assert status == 1
    found = [json.loads(line) for line in out]
    assert [one["input"] for one in found] == [str(job.source) for job in plan.jobs]
    states = ["failed" if number in (3, 5, 7) else "done" for number in TEN]
    assert [one["state"] for one in found] == states
    assert [one["output"] is None for one in found] == [state == "failed" for state in states]
    assert err.index("note of 3") + 1 == err.index(f"error: {plan.jobs[3].source} is broken")
    assert err.index("note of 3") < err.index("note of 4") < err.index("note of 5")
    assert "memory ran out" in err[err.index("note of 5") + 1]
    assert "--workers" in err[err.index("note of 5") + 1]
    assert err[-1] == "7 done, 3 failed"
    assert len(list((plan.jobs[0].target.parent).iterdir())) == 7


def test_a_failed_photo_is_not_held_while_its_line_waits(plan):
    def work(job, data, tell):
        photo = data * 2
        try:
            raise ValueError(photo)
        except ValueError as error:
            raise PhotoError("broken") from error

    doer = batch.Doer(work, batch.Disk(batch=True, overwrite=False))
    (done,) = doer(plan.jobs[:1])
    assert str(done.error) == "broken"
    assert traceback.format_exception(done.error) == ["mask2face.errors.PhotoError: broken\n"]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_bug_is_not_hidden_and_what_is_done_is_counted(plan, capsys, workers):
    def work(job, data, tell):
        if int(data) == 5:
            raise ZeroDivisionError("bug")
        return copy(job, data, tell)

    with pytest.raises(ZeroDivisionError, match="bug"):
        batch.run(plan, work, workers=workers)
    said = capsys.readouterr()
    written = len(list(plan.jobs[0].target.parent.iterdir()))
    states = dict(reversed(word.split(" ")) for word in said.err.strip().split(", "))
    assert states == {"done": str(written), "failed": "1"}
    assert len(said.out.splitlines()) == written


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_can_be_resumed(plan, capsys, workers):
    run(plan, copy, capsys)
    for number in (2, 6):
        plan.jobs[number].target.unlink()
    did = []

    def work(job, data, tell):
        did.append(int(data))
        return copy(job, data, tell)

    status, out, err = run(plan, work, capsys, workers)
    assert (status, sorted(did)) == (0, [2, 6])
    assert err == ["8 skipped, 2 done"]
    assert [("skipped" in line) for line in out] == [number not in (2, 6) for number in TEN]


def test_what_a_killed_run_left_is_removed(plan, capsys):
    out = plan.jobs[0].target.parent
    out.mkdir()
    (out / f".mask2face-{_machine()}-{2**30}-{'0' * 12}.part").write_bytes(b"half")
    run(plan, copy, capsys)
    assert names_in(out) == [f"{number}.jpg" for number in TEN]


def test_several_results_of_a_photo_are_made_by_one_thread_in_their_order(plan, capsys):
    threads = {}

    def work(job, data, tell):
        threads.setdefault(job.source, []).append((threading.get_ident(), job.sample))
        return copy(job, data, tell)

    status, out, err = run(sampled(plan, 3), work, capsys)
    assert (status, err) == (0, ["30 done"])
    assert len(out) == 30
    for found in threads.values():
        assert [sample for _, sample in found] == [1, 2, 3]
        assert len({thread for thread, _ in found}) == 1


class TestCtrlC:
    """Of ten photos the main thread takes one, and Ctrl-C comes."""

    @pytest.fixture
    def interrupted(self, plan, capsys, monkeypatch):
        begun, go = threading.Barrier(3), threading.Event()

        def work(job, data, tell):
            if int(data) in (1, 2):
                begun.wait(10)
                assert go.wait(10)
            return copy(job, data, tell)

        def run(second):
            class Report(batch.Report):
                def __call__(self, done):
                    super().__call__(done)
                    if done.job.name == "0.jpg":
                        begun.wait(10)
                        raise KeyboardInterrupt

                def note(self, words):
                    super().note(words)
                    second(go)

            monkeypatch.setattr(batch, "Report", Report)
            with pytest.raises(typer.Exit) as end:
                batch.run(plan, work, workers=2)
            go.set()
            assert end.value.exit_code == 130
            return capsys.readouterr()

        return run

    def test_what_has_begun_is_finished(self, interrupted, plan):
        said = interrupted(lambda go: go.set())
        assert said.err.splitlines() == [
            "stopping: what has begun is finished first",
            "3 done, 7 not begun",
        ]
        assert len(said.out.splitlines()) == 3
        assert names_in(plan.jobs[0].target.parent) == ["0.jpg", "1.jpg", "2.jpg"]

    def test_a_second_one_does_not_wait(self, interrupted, plan):
        def again(go):
            raise KeyboardInterrupt

        said = interrupted(again)
        assert said.err.splitlines()[-1] == "1 done, 2 interrupted, 7 not begun"
        time.sleep(0.1)
        assert names_in(plan.jobs[0].target.parent) == ["0.jpg"], "abandoned: not written"
