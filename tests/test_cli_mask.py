"""`mask2face mask`: words, files, exit status."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from mask2face import masking, mean_face, photos
from mask2face.cli import app
from mask2face.facemasks import FACEMASKS
from mask2face.facemasks.occluders import OCCLUDERS
from mask2face.facemasks.outline import WEARS
from mask2face.splits import digest

FACE = (80, 0, 400, 300)  # of the astronaut, px


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, ["mask", *map(str, arguments)], input=stdin)


def pixels(path):
    return photos.read(Path(path)).pixels


@pytest.fixture(autouse=True)
def without_dlib(monkeypatch):
    """Landmarks from the mean face: as good here, and there is no dlib everywhere."""
    points = lambda: lambda _photo, face: mean_face.guess(face)  # noqa: E731
    monkeypatch.setattr(masking, "_dlib_points", points)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in a folder with in.png, two.png (2 faces) and blank.png."""
    monkeypatch.chdir(tmp_path)
    astronaut = Image.fromarray(data.astronaut()).crop(FACE)
    astronaut.save("in.png")
    Image.fromarray(np.hstack([np.asarray(astronaut)] * 2)).save("two.png")
    Image.new("RGB", (64, 48), "grey").save("blank.png")
    return tmp_path


@pytest.fixture
def folder(here):
    """f/a.png, f/b.png (blank) and f/sub/c.png."""
    (here / "f" / "sub").mkdir(parents=True)
    for name, source in (("a", "in"), ("b", "blank"), ("sub/c", "in")):
        (here / "f" / f"{name}.png").write_bytes((here / f"{source}.png").read_bytes())
    return here / "f"


BAD = [
    # arguments, exit status, words on stderr
    (["in.png", "--style", "surgicl"], 2, "did you mean 'surgical'"),
    (["in.png", "--style", "cloth,random"], 2, "stands alone"),
    (["in.png", "--style", "bare", "--color", "#0473e2"], 2, "takes no color"),
    (["in.png", "--color", "blue"], 2, "give one like '#0473e2'"),
    (["in.png", "--color", "#0473e2", "--color-weight", "1.5"], 2, "give a number from 0 to 1"),
    (["in.png", "--color", "#0473e2", "--color-weight", "nan"], 2, "give a number from 0 to 1"),
    (["in.png", "--color", "#0473e2", "--color-weight", "much"], 2, "'--color-weight'"),
    (["in.png", "--color-weight", "0.5"], 2, "give a color too"),
    (["in.png", "--pattern", "dot"], 2, "did you mean 'dots'"),
    (["in.png", "--pattern", "notes.txt"], 2, "not a picture file"),
    (["in.png", "--pattern-weight", "0.5"], 2, "give a pattern too"),
    (["in.png", "--style", "bare", "--pattern", "dots"], 2, "takes no pattern"),
    (["in.png", "--wear", "noseout"], 2, "did you mean 'nose_out'"),
    (["in.png", "--in-front", "cap"], 2, "did you mean 'cup'"),
    (["in.png", "--templates", "nowhere"], 1, "nowhere"),
    (["in.png", "--code", "n95,"], 2, "write it like"),
    (["in.png", "--code", "n95", "--style", "cloth"], 2, "or the code"),
    (["in.png", "--code", "cloth-nowhere.png"], 2, "no picture file"),
    (["in.png", "--faces", "some"], 2, "'all' or 'largest'"),
    (["in.png", "--seed", "-1"], 2, "Invalid value for '--seed'"),
    (["in.png", "--seed", "one"], 2, "Invalid value for '--seed'"),
    (["in.png", "-", "--style", "all"], 2, "name an output, not stdout"),
    (["in.png", "-", "--holes"], 2, "needs a file to write beside"),
    (["in.png", "out.png", "--holes", "--style", "n95"], 1, "out.faces.json exists"),
    (["in.png", "x.png", "--style", "all", "--recursive", "--format", "gif"], 2, "photo format"),
    (["nowhere.png"], 2, "no such file or folder"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), BAD, ids=lambda value: str(value)[:60])
def test_bad_input_says_what_is_wrong_and_writes_nothing(here, arguments, status, words):
    Path("notes.txt").write_text("dots")
    Path("out.faces.json").write_text("{}")
    before = {path: path.stat().st_mtime_ns for path in here.rglob("*")}
    done = run(*arguments)
    assert done.exit_code == status, done.output
    assert words in done.stderr
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
    assert len(errors) == 1
    assert {path: path.stat().st_mtime_ns for path in here.rglob("*")} == before


@pytest.mark.parametrize("names", [("random", "all", *FACEMASKS), WEARS])
def test_help_names_what_can_be_chosen(names):
    words = " ".join(run("--help").stdout.split())
    assert [name for name in names if name not in words] == []


def test_help_names_the_objects_by_their_first_word():
    words = " ".join(run("--help").stdout.split())
    offered = ("hand", "cup", "microphone", "glasses", "card", "hair")
    for name in offered:
        assert name in words
        assert any(key == name or key.startswith(f"{name}_") for key in OCCLUDERS)


def test_holes_and_facts_beside_the_photo():
    done = run("two.png", "--style", "surgical", "--color", "#0473e2", "--wear", "chin", "--holes")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("two.png -> two.masked.png  2 faces: surgical, surgical  ")
    before, after = pixels("two.png"), pixels("two.masked.png")
    covered = pixels("two.masked.hole.png")[..., 0]
    np.testing.assert_array_equal(before[covered == 0], after[covered == 0])
    assert covered.max() == 255
    page = json.loads(Path("two.masked.faces.json").read_text())
    assert {key: page[key] for key in ("photo", "width", "height", "seed", "undrawn")} == {
        "photo": "two.png",
        "width": 640,
        "height": 300,
        "seed": 0,
        "undrawn": [],
    }
    assert len(page["faces"]) == 2
    for face in page["faces"]:
        assert set(face) == {"box", "score", "style", "options", "pose", "landmarks"}
        assert face["options"]["color"] == "#0473e2"
        assert face["options"]["wear"] == "chin"
        assert set(face["pose"]) == {"yaw", "pitch", "roll"}
        assert np.shape(face["landmarks"]) == (68, 2)
        assert 0 < face["score"] <= 1


def test_the_seed_hangs_on_the_photos_name_and_nothing_else(folder):
    (folder / "b.png").unlink()
    assert run("f", "all", "--recursive", "--seed", "4").exit_code == 0
    assert run("f/a.png", "alone.png", "--seed", "4").exit_code == 0
    np.testing.assert_array_equal(pixels("all/a.png"), pixels("alone.png"))
    assert (pixels("all/a.png") != pixels("all/sub/c.png")).any(), "same photo, other name"
    again = masking.mask  # the same in Python, by the photo's own seed
    masking._shared.cache_clear()
    drawn = again("f/a.png", seed=digest(4, "a.png"))
    masking._shared.cache_clear()
    np.testing.assert_array_equal(drawn.photo, pixels("alone.png"))


def test_a_photo_for_every_style():
    done = run("in.png", "--style", "all", "--json", "--holes")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = set(FACEMASKS) - {"bare"}
    assert {line["output"] for line in lines} == {f"in.masked.{name}.png" for name in names}
    for line in lines:
        (face,) = line["faces"]
        assert line["output"] == f"in.masked.{face['style']}.png"
        assert Path(line["output"]).is_file()
        assert Path(f"in.masked.{face['style']}.faces.json").is_file()
    assert done.stderr.splitlines()[-1] == f"{len(names)} done"
    again = run("in.png", "--style", "all")
    assert again.stderr.splitlines()[-1] == f"{len(names)} skipped"


def test_all_of_what_takes_the_options():
    done = run("in.png", "--style", "all", "--wear", "one_ear", "--json")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert 1 < len(lines) < len(FACEMASKS) - 1
    assert all(line["faces"][0]["options"]["wear"] == "one_ear" for line in lines)


def test_results_of_all_are_no_inputs_of_the_next_run(here):
    assert run("i*.png", "--style", "all", "--wear", "chin").exit_code == 0
    done = run("i*.png", "--style", "n95", "--json")
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["input"] for line in done.stdout.splitlines()] == ["in.png"]
    Path("in.png").unlink()
    done = run("i*.png", "--style", "n95")
    assert done.exit_code == 2
    assert "results of earlier runs" in done.stderr or "no photos" in done.stderr


def test_all_never_writes_over_an_input(here):
    Path("g").mkdir()
    for name in ("g/a.png", "g/a.masked.n95.png"):
        Path(name).write_bytes(Path("in.png").read_bytes())
    before = Path("g/a.masked.n95.png").read_bytes()
    done = run("g/a*.png", "--style", "all", "--overwrite")
    assert done.exit_code in (0, 1)
    if done.exit_code == 1:
        assert Path("g/a.masked.n95.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "beside"),
    [
        (["f", "out"], "out/a.hole.png"),
        (["f/*.png"], "f/a.masked.faces.json"),
        (["f/a.png", "--style", "all"], "f/a.masked.n95.hole.png"),
    ],
)
def test_what_lies_beside_no_photo_is_not_replaced_unasked(folder, arguments, beside):
    Path("out").mkdir()
    Path(beside).write_bytes(b"mine")
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    done = run(*arguments, "--holes")
    assert done.exit_code == 1
    assert f"{beside} exists, but not its photo" in done.stderr
    assert "--overwrite" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before
    run(*arguments, "--holes", "--overwrite")
    assert Path(beside).read_bytes() != b"mine"


def test_what_a_run_left_before_its_photo_is_written_again(folder):
    (folder / "b.png").unlink()
    assert run("f", "out", "--holes").exit_code == 0
    facts = Path("out/a.faces.json").read_bytes()
    Path("out/a.png").unlink()
    Path("out/a.hole.png").write_bytes(b"half")
    done = run("f", "out", "--holes")
    assert done.exit_code == 0, done.output
    assert Path("out/a.png").exists()
    assert Path("out/a.faces.json").read_bytes() == facts
    assert Path("out/a.hole.png").read_bytes() != b"half"


def test_a_batch_with_holes_goes_on_where_it_stopped(folder):
    (folder / "b.png").unlink()
    assert run("f", "out", "--holes").exit_code == 0
    facts = Path("out/a.faces.json").read_bytes()
    (folder / "new.png").write_bytes((folder / "a.png").read_bytes())
    done = run("f", "out", "--holes", "--seed", "2")
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines()[-1] == "1 skipped, 1 done"
    assert Path("out/a.faces.json").read_bytes() == facts


def test_a_list_of_styles_is_shared_out():
    seen = set()
    for seed in range(4):
        done = run("two.png", f"{seed}.png", "--style", "n95,cloth", "--json", "--seed", seed)
        seen |= {face["style"] for face in json.loads(done.stdout)["faces"]}
    assert seen == {"n95", "cloth"}


def test_a_code():
    Image.new("RGB", (40, 40), "#00ff00").save("green sheet.png")
    done = run("two.png", "--code", "cloth-#ff0000, cloth-green sheet.png", "--json")
    assert done.exit_code == 0, done.output
    faces = json.loads(done.stdout)["faces"]
    assert {face["options"].get("color") == "#ff0000" for face in faces} == {True, False}
    assert sum("green sheet.png" in str(face["options"].get("pattern")) for face in faces) == 1


def test_the_largest_face_only():
    done = run("two.png", "--faces", "largest", "--style", "kn95")
    assert "  1 face: kn95" in done.stdout


def test_something_in_front():
    done = run("in.png", "--style", "surgical", "--in-front", "cup", "--json")
    assert json.loads(done.stdout)["faces"][0]["options"]["in_front"] == "cup"


def test_photos_without_a_face_are_listed_everywhere(folder):
    done = run("f", "out", "--style", "n95", "--json")
    assert done.exit_code == 1
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["state"] == "done"
    assert second == {**second, "state": "not written", "output": None, "faces": [], "undrawn": []}
    assert "warning: f/b.png: no face found: not written" in done.stderr
    assert done.stderr.splitlines()[-1] == "1 done, 1 not written"
    assert [path.name for path in Path("out").iterdir()] == ["a.png"]
    plain = run("blank.png", "--style", "all")
    assert plain.exit_code == 1
    assert plain.stdout.startswith("blank.png  no face: not written")
    assert plain.stderr.count("no face found") == 1, "looked for once"


def test_faces_too_small_are_counted(monkeypatch):
    def small(_photo, face):
        points = mean_face.guess(face)
        return points if face.box[0] > 320 else points * 0

    monkeypatch.setattr(masking, "_dlib_points", lambda: small)
    done = run("two.png", "--style", "n95", "--json", "--holes")
    assert done.exit_code == 0
    line = json.loads(done.stdout)
    assert (len(line["faces"]), len(line["undrawn"])) == (1, 1)
    assert "warning: two.png: 1 face too small or cut off to draw on" in done.stderr
    assert len(json.loads(Path("two.masked.faces.json").read_text())["undrawn"]) == 1
    words = run("two.png", "again.png", "--style", "n95").stdout
    assert "  1 face: n95; 1 face too small or cut off to draw on  " in words
    none = run("in.png")
    assert none.exit_code == 1
    assert "in.png  1 face too small or cut off to draw on: not written" in none.stdout
    assert not Path("in.masked.png").exists()


def test_bytes_through_the_pipe():
    done = run("-", "-", "--style", "n95", stdin=Path("in.png").read_bytes())
    assert done.exit_code == 0
    assert photos.read(done.stdout_bytes).format == "PNG"
    assert "1 face: n95" in done.stderr
