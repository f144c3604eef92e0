"""The command line: exit status, streams, words, files."""

import io
import json
import re
import resource
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

import mask2face
from mask2face import photos, provenance
from mask2face.cli import app
from mask2face.devices import PROVIDERS
from mask2face.masking import STYLES

HEAVY = {"numpy", "cv2", "PIL", "onnxruntime", "torch", "pydantic", "rich", "skimage", "dlib"}
FACE = (80, 0, 400, 300)  # of the astronaut, px


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(part) for part in arguments], input=stdin)


def shell(*arguments, stdin=b""):
    command = [sys.executable, "-m", "mask2face", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def astronaut():
    return Image.fromarray(data.astronaut()).crop(FACE)


@pytest.fixture
def here(tmp_path, monkeypatch, astronaut):
    """Work in a folder with in.jpg, two.png (2 faces) and blank.png."""
    monkeypatch.chdir(tmp_path)
    astronaut.save("in.jpg", quality=93, dpi=(300, 300))
    two = np.hstack([np.asarray(astronaut)] * 2)
    Image.fromarray(two).save("two.png")
    Image.new("RGB", (64, 48), "grey").save("blank.png")
    return tmp_path


@pytest.fixture
def folder(here):
    """f/a.jpg, f/b.png (blank), f/bad.jpg and f/sub/c.jpg."""
    (here / "f" / "sub").mkdir(parents=True)
    (here / "f" / "a.jpg").write_bytes((here / "in.jpg").read_bytes())
    (here / "f" / "sub" / "c.jpg").write_bytes((here / "in.jpg").read_bytes())
    (here / "f" / "b.png").write_bytes((here / "blank.png").read_bytes())
    (here / "f" / "bad.jpg").write_bytes(b"junk")
    return here / "f"


def pixels(path):
    return photos.read(Path(path)).pixels


def opened(path):
    return Image.open(io.BytesIO(Path(path).read_bytes()))


# --- start-up


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_it_answers_at_once_and_loads_nothing(argument):
    code = (
        f"import sys; sys.argv = ['mask2face', {argument!r}]\n"
        "from mask2face.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print('\\n@', end.code, *sorted(sys.modules))"
    )
    began = cpu_seconds()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    seconds = cpu_seconds() - began
    said, _, loaded = done.stdout.partition("\n@ ")
    status, *modules = loaded.split()
    assert status == "0"
    assert not {name.split(".")[0] for name in modules} & HEAVY
    assert seconds < 1, "0.15 to 0.2 s of CPU time, however busy the machine is"
    words = f"mask2face {mask2face.__version__}" if argument == "--version" else "unmask"
    assert words in said
    assert done.stderr == ""


def test_help_names_every_command_and_what_the_result_is_not():
    done = run("--help")
    for name in ("unmask", "mask", "demo", "inspect", "models", "dataset", "train", "export"):
        assert name in done.stdout
    words = " ".join(done.stdout.split())
    assert "plausible, invented" in words
    assert "never use it to identify, verify or accuse anyone" in words


@pytest.mark.parametrize(
    "command",
    ["unmask", "mask", "demo", "inspect", "models", "train", "export", "evaluate", "dataset build"],
)
def test_every_command_has_help(command):
    done = run(*command.split(), "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.stdout


@pytest.mark.parametrize(
    ("command", "names"),
    [("mask", STYLES), ("mask", PROVIDERS), ("unmask", PROVIDERS), ("unmask", photos.FORMATS)],
)
def test_help_names_everything_that_can_be_chosen(command, names):
    words = set(re.findall(r"[a-z0-9]+", run(command, "--help").stdout))
    assert {name.lower() for name in names} <= words


# --- wrong use


BAD = [
    # arguments, exit status, words on stderr
    (["unmask"], 2, "Missing argument 'IN'"),
    (["unmsk", "in.jpg"], 2, "No such command"),
    (["unmask", "in.jpg", "--tresh", "1"], 2, "No such option"),
    (["unmask", "nowhere.jpg"], 2, "no such file or folder"),
    (["unmask", "*.tiff"], 2, "no photos in the pattern"),
    (["unmask", "empty"], 2, "no photos in the folder"),
    (["unmask", "zero.jpg"], 1, "zero.jpg is empty (0 bytes)"),
    (["unmask", "junk.jpg"], 1, "junk.jpg is not a photo"),
    (["unmask", "cut.jpg"], 1, "cut.jpg is broken or cut short"),
    (["unmask", "dot.png"], 1, "too small"),
    (["unmask", "deep.png"], 1, "16 bits"),
    (["unmask", "in.jpg", "in.jpg"], 1, "is the input itself"),
    (["unmask", "in.jpg", "in.jpg", "--overwrite"], 1, "is the input itself"),
    (["unmask", "in.jpg", "link.jpg", "--overwrite"], 1, "is the input itself"),
    (["unmask", "in.jpg", "two.png"], 1, "two.png exists"),
    (["unmask", "in.jpg", "no/out.jpg"], 1, "the folder no does not exist"),
    (["unmask", "in.jpg", "out.xyz"], 1, "cannot write '.xyz' files"),
    (["unmask", "in.jpg", "--format", "gif"], 2, "unknown photo format"),
    (["unmask", "in.jpg", "--quality", "0"], 2, "give 1 to 100"),
    (["unmask", "in.jpg", "--quality", "high"], 2, "Invalid value for '--quality'"),
    (["unmask", "in.jpg", "--faces", "some"], 2, "'all' or 'largest'"),
    (["unmask", "in.jpg", "--detector", "ours"], 2, "unknown detector"),
    (["unmask", "in.jpg", "--threshold", "1"], 2, "between 0 and 1"),
    (["unmask", "in.jpg", "--device", "gpu"], 2, "unknown device 'gpu'"),
    (["unmask", "in.jpg", "--device", "dml"], 2, "'dml' is not available"),
    (["unmask", "in.jpg", "--model", "nowhere.onnx"], 1, "nowhere.onnx does not exist"),
    (["unmask", "in.jpg", "--model", "junk.onnx"], 1, "cannot be opened as an ONNX file"),
    (["unmask", "in.jpg", "--compare", "--hole-only"], 2, "choose one"),
    (["unmask", "in.jpg", "--hole-only", "--format", "jpeg"], 2, "writes PNG"),
    (["unmask", "in.jpg", "x.jpg", "--hole-only"], 2, "name the output .png"),
    (["unmask", "-", "--json"], 2, "cannot share stdout"),
    (["unmask", "in.jpg", "--samples", "2"], 2, "train the net 'vae'"),
    (["unmask", "in.jpg", "--samples", "0"], 2, "Invalid value for '--samples'"),
    (["unmask", "in.jpg", "--samples", "2", "--seed", "-1"], 2, "Invalid value for '--seed'"),
    (["unmask", "in.jpg", "--samples", "2", "--hole-only"], 2, "all have one hole"),
    (["unmask", "clip.MP4"], 2, "clip.MP4 is a video: mask2face video clip.MP4"),
    (["unmask", "in.jpg", "--seed", "2"], 2, "--seed draws other faces with --samples"),
    (["unmask", "in.jpg", "-", "--samples", "2"], 2, "cannot go to stdout"),
    (["unmask", "-", "--samples", "2"], 2, "cannot go to stdout"),
    (["unmask", "-"], 1, "stdin: the photo is empty (0 bytes)"),
    (["unmask", ".", "-"], 2, "cannot go to stdout"),
    (["mask", "in.jpg", "--style", "surgicl"], 2, "did you mean 'surgical'"),
    (["mask", "in.jpg", "--style", "bare", "--color", "#0473e2"], 2, "takes no color"),
    (["mask", "in.jpg", "--color", "blue"], 2, "give one like '#0473e2'"),
    (["mask", "in.jpg", "--seed", "-1"], 2, "Invalid value for '--seed'"),
    (["mask", "in.jpg", "-", "--holes"], 2, "needs a file to write beside"),
    (["mask", "nowhere.jpg"], 2, "no such file or folder"),
    (["inspect", "nowhere.jpg"], 1, "no such file"),
    (["inspect", "junk.jpg"], 1, "not a photo"),
    (["inspect", "junk.onnx"], 1, "cannot be opened"),
    (["inspect", "run.safetensors"], 2, "export it first"),
    (["demo", "--model", "nowhere.onnx"], 1, "does not exist"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), BAD, ids=lambda value: str(value)[:60])
def test_bad_input_says_what_is_wrong_and_writes_nothing(
    here, tiny_model, arguments, status, words
):
    Path("empty").mkdir()
    Path("zero.jpg").write_bytes(b"")
    Path("junk.jpg").write_bytes(b"junk")
    Path("junk.onnx").write_bytes(b"junk")
    Path("cut.jpg").write_bytes(Path("in.jpg").read_bytes()[:2000])
    Path("link.jpg").symlink_to("in.jpg")
    Image.new("RGB", (1, 1)).save("dot.png")
    Image.new("I;16", (64, 64)).save("deep.png")
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    if arguments[:1] == ["unmask"] and "--model" not in arguments and len(arguments) > 1:
        arguments = [*arguments, "--model", tiny_model]
    done = run(*arguments)
    assert done.exit_code == status, done.output
    assert words in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.output
    errors = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
    assert len(errors) == 1
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before


def test_a_program_error_is_not_hidden(here, tiny_model, monkeypatch):
    monkeypatch.setattr("mask2face.pipeline.Unmasker.find", lambda *_: 1 / 0)
    done = run("unmask", "in.jpg", "--model", tiny_model)
    assert isinstance(done.exception, ZeroDivisionError)


# --- unmask


def test_one_photo_beside_itself(here, tiny_model):
    done = run("unmask", "in.jpg", "--model", tiny_model)
    assert done.exit_code == 0, done.output
    line, _, seconds = done.stdout.rpartition("  ")
    assert line == "in.jpg -> in.unmasked.jpg  1 face, 1 face mask replaced"
    assert seconds.endswith(" s\n")
    assert done.stderr == "using CPUExecutionProvider, model tiny\n"
    out = photos.read(Path("in.unmasked.jpg"))
    assert out.format == "JPEG"
    assert tuple(map(round, out.dpi)) == (300, 300)
    assert provenance.read_mark(Path("in.unmasked.jpg")).by_mask2face
    assert np.abs(out.pixels.astype(int) - pixels("in.jpg")).max() > 20
    assert sorted(path.name for path in here.glob("*jpg*")) == ["in.jpg", "in.unmasked.jpg"]


def test_pixels_outside_the_hole_stay_bit_for_bit(here, tiny_model):
    assert run("unmask", "two.png", "out.png", "--model", tiny_model).exit_code == 0
    hole = run("unmask", "two.png", "hole.png", "--hole-only", "--model", tiny_model)
    assert hole.exit_code == 0
    assert opened("hole.png").mode == "L"
    before, after, covered = pixels("two.png"), pixels("out.png"), pixels("hole.png")[..., 0]
    changed = (before != after).any(2)
    assert changed.any()
    assert not changed[covered == 0].any()
    assert covered.max() == 255


def test_the_largest_face_only(here, tiny_model):
    wide = np.hstack([pixels("in.jpg"), np.full((300, 160, 3), 128, np.uint8)])
    wide[:150, 320:] = np.asarray(opened("in.jpg").resize((160, 150)))
    Image.fromarray(wide).save("wide.png")
    assert "2 face masks" in run("unmask", "wide.png", "all.png", "--model", tiny_model).stdout
    done = run("unmask", "wide.png", "one.png", "--faces", "largest", "--model", tiny_model)
    assert "1 face, 1 face mask" in done.stdout
    np.testing.assert_array_equal(pixels("one.png")[:, 330:], wide[:, 330:])
    assert (pixels("all.png")[:, 330:] != wide[:, 330:]).any()


@pytest.mark.parametrize("name", ["in.jpg", "blank.png"])
def test_a_photo_without_a_face_mask_is_copied_byte_for_byte(here, bare_model, name):
    done = run("unmask", name, "copy" + Path(name).suffix, "--model", bare_model, "--quality", "30")
    assert done.exit_code == 0
    assert "unchanged copy" in done.stdout
    assert Path("copy" + Path(name).suffix).read_bytes() == Path(name).read_bytes()


def test_a_heic_photo_without_a_face_mask_becomes_a_jpeg(here, bare_model, monkeypatch):
    picture = opened("in.jpg").convert("RGB")
    heif = types.SimpleNamespace(size=picture.size, to_pillow=picture.copy)
    stub = types.SimpleNamespace(open_heif=lambda _: heif)
    monkeypatch.setitem(sys.modules, "pillow_heif", stub)
    Path("x.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    done = run("unmask", "x.heic", "--model", bare_model)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("x.heic -> x.unmasked.jpg  1 face, no face masks replaced")
    assert opened("x.unmasked.jpg").format == "JPEG"


def test_another_format_is_converted_even_without_a_face_mask(here, bare_model):
    assert run("unmask", "in.jpg", "out.png", "--model", bare_model).exit_code == 0
    np.testing.assert_array_equal(pixels("out.png"), pixels("in.jpg"))
    assert provenance.read_mark(Path("out.png")) is None
    done = run("unmask", "blank.png", "--format", "webp", "--model", bare_model)
    assert "blank.unmasked.webp" in done.stdout
    assert opened("blank.unmasked.webp").format == "WEBP"


def test_format_and_quality(here, tiny_model):
    for quality in (20, 95):
        done = run(
            "unmask", "in.jpg", f"{quality}.jpg", "--quality", quality, "--model", tiny_model
        )
        assert done.exit_code == 0
    assert 2 * Path("20.jpg").stat().st_size < Path("95.jpg").stat().st_size
    assert run("unmask", "in.jpg", "--format", "jpg", "--model", tiny_model).exit_code == 0
    assert Path("in.unmasked.jpg").exists()


def test_bmp_cannot_hold_the_mark_and_that_is_said(here, tiny_model):
    done = run("unmask", "in.jpg", "out.bmp", "--model", tiny_model)
    assert done.exit_code == 0
    assert "warning: in.jpg -> out.bmp: BMP cannot hold the mark" in done.stderr


def test_compare_shows_both_and_is_marked(here, tiny_model):
    assert run("unmask", "two.png", "--compare", "--model", tiny_model).exit_code == 0
    both, before = pixels("two.compare.png"), pixels("two.png")
    width = before.shape[1]
    np.testing.assert_array_equal(both[:, :width], before)
    assert both.shape[1] == 2 * width
    assert (both[:, width:] != before).any()
    assert provenance.read_mark(Path("two.compare.png")).generated


def test_an_upright_result_of_a_turned_photo(here, tiny_model):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened("in.jpg").rotate(90, expand=True).save("turned.jpg", exif=exif, quality=95)
    done = run("unmask", "turned.jpg", "--model", tiny_model)
    assert "1 face, 1 face mask" in done.stdout
    out = opened("turned.unmasked.jpg")
    assert out.size == opened("in.jpg").size
    assert out.getexif().get(0x0112, 1) == 1


def test_overwriting_only_when_told(here, tiny_model):
    assert run("unmask", "in.jpg", "--model", tiny_model).exit_code == 0
    again = run("unmask", "in.jpg", "--model", tiny_model)
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert run("unmask", "in.jpg", "--overwrite", "--model", tiny_model).exit_code == 0


def test_a_folder_run_goes_on_after_a_bad_file(folder, tiny_model):
    done = run("unmask", "f", "--recursive", "--model", tiny_model)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines] == [
        ["f/a.jpg -> f.unmasked/a.jpg", "1 face, 1 face mask replaced"],
        ["f/b.png -> f.unmasked/b.png", "no face: unchanged copy"],
        ["f/sub/c.jpg -> f.unmasked/sub/c.jpg", "1 face, 1 face mask replaced"],
    ]
    errors = done.stderr.splitlines()
    assert errors[0].startswith("using ")
    assert errors[1].startswith("error: f/bad.jpg is not a photo")
    assert errors[2] == "2 done, 1 no face, 1 failed"
    assert (folder / "bad.jpg").read_bytes() == b"junk"
    assert not Path("f.unmasked/bad.jpg").exists()


def test_a_folder_run_can_be_resumed(folder, tiny_model):
    (folder / "bad.jpg").unlink()
    assert run("unmask", "f", "out", "--model", tiny_model).exit_code == 0
    first = Path("out/a.jpg").stat().st_mtime_ns
    Path("out/b.png").unlink()
    again = run("unmask", "f", "out", "--model", tiny_model)
    assert again.exit_code == 0
    assert "exists, skipped" in again.stdout
    assert again.stderr.splitlines()[-1] == "1 skipped, 1 no face"
    assert Path("out/a.jpg").stat().st_mtime_ns == first
    assert Path("out/b.png").exists()
    replaced = run("unmask", "f", "out", "--overwrite", "--model", tiny_model)
    assert replaced.stderr.splitlines()[-1] == "1 done, 1 no face"


def test_a_glob(folder, tiny_model):
    done = run("unmask", "f/**/*.jpg", "out", "--model", tiny_model)
    assert done.exit_code == 1  # bad.jpg
    assert sorted(str(path) for path in Path("out").rglob("*.jpg")) == [
        "out/a.jpg",
        "out/sub/c.jpg",
    ]


def test_ctrl_c_sums_up_and_the_run_can_go_on(folder, tiny_model, monkeypatch):
    from mask2face.pipeline import Unmasker

    real = Unmasker.find

    def second_time(self, photo):
        if photo.format == "PNG":
            raise KeyboardInterrupt
        return real(self, photo)

    monkeypatch.setattr(Unmasker, "find", second_time)
    done = run("unmask", "f", "out", "--workers", 1, "--model", tiny_model)
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-1] == "1 done, 1 interrupted, 1 not begun"
    assert "Traceback" not in done.output
    assert [path.name for path in Path("out").iterdir()] == ["a.jpg"]
    monkeypatch.undo()
    monkeypatch.chdir(folder.parent)
    again = run("unmask", "f", "out", "--model", tiny_model)
    assert again.stderr.splitlines()[-1] == "1 skipped, 1 no face, 1 failed"


def test_no_input_of_a_batch_is_overwritten(folder, tiny_model):
    deep = folder / "sub" / "sub" / "c.jpg"
    deep.parent.mkdir()
    deep.write_bytes((folder / "a.jpg").read_bytes())
    before = (folder / "sub" / "c.jpg").read_bytes()
    done = run("unmask", "f/sub", "f", "--recursive", "--overwrite", "--model", tiny_model)
    assert done.exit_code == 1
    assert "is an input too" in done.stderr
    assert (folder / "sub" / "c.jpg").read_bytes() == before


def test_odd_names_and_a_name_too_long_for_a_result(here, tiny_model):
    odd = "Zoë 微笑 #1.jpg"
    Path(odd).write_bytes(Path("in.jpg").read_bytes())
    assert run("unmask", odd, "--model", tiny_model).exit_code == 0
    assert Path("Zoë 微笑 #1.unmasked.jpg").is_file()
    long = "y" * 250 + ".jpg"
    Path(long).write_bytes(Path("in.jpg").read_bytes())
    done = run("unmask", long, "--model", tiny_model)
    assert done.exit_code == 1
    assert "File name too long" in done.stderr
    assert "choose another output" in done.stderr


def test_a_missing_library_of_the_system_names_the_package(here, monkeypatch):
    def broken(*_, **_options):
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("mask2face.folders.plan", broken)
    done = run("unmask", "in.jpg")
    assert done.exit_code == 2
    assert "apt-get install libgl1 libglib2.0-0" in done.stderr


def test_json_lines(folder, tiny_model):
    done = run("unmask", "f", "--json", "--model", tiny_model)
    assert done.exit_code == 1
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert first["input"] == "f/a.jpg"
    assert first["output"] == "f.unmasked/a.jpg"
    assert first["state"] == "done"
    assert first["seconds"] > 0
    (face,) = first["faces"]
    assert set(face) == {"box", "landmarks", "score", "masked", "hole_fraction"}
    assert len(face["box"]) == 4
    assert np.shape(face["landmarks"]) == (5, 2)
    assert face["masked"] is True
    assert second["state"] == "no face"
    assert second["faces"] == []
    assert third["state"] == "failed"
    assert third["output"] is None
    assert "not a photo" in third["error"]


def test_json_of_one_failure(here, tiny_model):
    Path("bad.jpg").write_bytes(b"junk")
    done = run("unmask", "bad.jpg", "--json", "--model", tiny_model)
    assert done.exit_code == 1
    assert json.loads(done.stdout)["state"] == "failed"


@pytest.fixture(scope="module")
def noisy(tiny_model, with_extra, tmp_path_factory):
    return with_extra(tiny_model, tmp_path_factory.mktemp("models") / "noisy.onnx")


class TestSamples:
    def test_several_faces_for_one_photo(self, here, noisy, tiny_model):
        done = run("unmask", "two.png", "--samples", "3", "--seed", "4", "--model", noisy)
        assert done.exit_code == 0, done.output
        names = [f"two.unmasked-{number}.png" for number in (1, 2, 3)]
        words = [line.split("  ")[0] for line in done.stdout.splitlines()]
        assert words == [f"two.png -> {name}" for name in names]
        before, pictures = pixels("two.png"), [pixels(name) for name in names]
        run("unmask", "two.png", "hole.png", "--hole-only", "--model", tiny_model)
        outside = pixels("hole.png")[..., 0] == 0
        for name, picture in zip(names, pictures, strict=True):
            np.testing.assert_array_equal(picture[outside], before[outside])
            assert provenance.read_mark(Path(name)).by_mask2face
        run("unmask", "two.png", "plain.png", "--model", tiny_model)
        np.testing.assert_array_equal(pictures[0], pixels("plain.png"))
        assert (pictures[1] != pictures[2]).any()
        for seed, same in ((4, True), (5, False)):
            run("unmask", "two.png", "x.png", "--samples", 2, "--seed", seed, "--model", noisy)
            assert np.array_equal(pixels("x-2.png"), pictures[1]) == same
            Path("x-2.png").unlink()

    def test_a_folder_of_them_can_be_resumed(self, folder, noisy):
        (folder / "bad.jpg").unlink()
        done = run("unmask", "f", "out", "--samples", "2", "--json", "--model", noisy)
        assert done.exit_code == 0, done.output
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(one["output"], one["sample"], one["seed"]) for one in found] == [
            ("out/a-1.jpg", 1, 0),
            ("out/a-2.jpg", 2, 0),
            ("out/b-1.png", 1, 0),
            ("out/b-2.png", 2, 0),
        ]
        assert len(found[1]["faces"]) == 1
        assert Path("out/b-2.png").read_bytes() == (folder / "b.png").read_bytes()
        second = Path("out/a-2.jpg").read_bytes()
        Path("out/a-2.jpg").unlink()
        again = run("unmask", "f", "out", "--samples", "2", "--model", noisy)
        assert again.stderr.splitlines()[-1] == "3 skipped, 1 done"
        assert Path("out/a-2.jpg").read_bytes() == second

    def test_from_stdin_and_side_by_side(self, here, noisy):
        photo = Path("in.jpg").read_bytes()
        done = run("unmask", "-", "x.png", "--samples", "2", "--model", noisy, stdin=photo)
        assert done.exit_code == 0, done.output
        assert (pixels("x-1.png") != pixels("x-2.png")).any()
        done = run("unmask", "in.jpg", "--samples", "1", "--compare", "--model", noisy)
        assert done.exit_code == 0, done.output
        assert pixels("in.compare-1.jpg").shape[1] == 2 * pixels("in.jpg").shape[1]


def test_stdin_to_stdout_in_a_shell(here, tiny_model):
    photo = Path("in.jpg").read_bytes()
    done = shell("unmask", "-", "--model", tiny_model, stdin=photo)
    assert done.returncode == 0, done.stderr
    out = photos.read(done.stdout)
    assert out.format == "JPEG"
    assert provenance.read_mark(done.stdout).by_mask2face
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("using ")
    assert lines[1].startswith("- -> -  1 face")
    bad = shell("unmask", "-", "--model", tiny_model, stdin=b"junk")
    assert bad.returncode == 1
    assert bad.stdout == b""
    assert b"error: stdin is not a photo" in bad.stderr
    assert b"Traceback" not in bad.stderr


def test_stdin_to_a_file_and_a_file_to_stdout(here, tiny_model):
    done = run("unmask", "-", "out.png", "--model", tiny_model, stdin=Path("in.jpg").read_bytes())
    assert done.exit_code == 0
    assert done.stdout.startswith("- -> out.png  1 face")
    assert opened("out.png").format == "PNG"
    done = run("unmask", "two.png", "-", "--model", tiny_model)
    assert Image.open(io.BytesIO(done.stdout_bytes)).format == "PNG"


# --- mask, inspect, models, demo


def test_drawing_face_masks(here):
    pytest.importorskip("dlib")
    done = run("mask", "two.png", "--style", "surgical", "--color", "#0473e2", "--holes")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("two.png -> two.masked.png  2 faces: surgical, surgical")
    before, after = pixels("two.png"), pixels("two.masked.png")
    covered = pixels("two.masked.hole.png")[..., 0]
    np.testing.assert_array_equal(before[covered == 0], after[covered == 0])
    red, _, blue = after[covered == 255].mean(0)
    assert blue > red + 30
    mark = provenance.read_mark(Path("two.masked.png"))
    assert mark.by_mask2face
    assert mark.source_type == provenance.DRAWN
    assert "they were not in the photo" in mark.history[0]
    again = run("mask", "two.png", "again.png", "--style", "surgical", "--color", "#0473e2")
    assert again.exit_code == 0
    np.testing.assert_array_equal(pixels("again.png"), after)
    run("mask", "two.png", "other.png", "--style", "surgical", "--color", "#0473e2", "--seed", "1")
    assert (pixels("other.png") != after).any()


def test_the_style_bare_draws_nothing_and_marks_nothing(here):
    pytest.importorskip("dlib")
    assert run("mask", "two.png", "--style", "bare").exit_code == 0
    np.testing.assert_array_equal(pixels("two.masked.png"), pixels("two.png"))
    assert provenance.read_mark(Path("two.masked.png")) is None


@pytest.mark.parametrize(
    ("names", "arguments", "words"),
    [
        (["a.jpg", "a.png"], ["f2", "out", "--overwrite"], "is taken: rename one"),
        (["a.png", "a.hole.png"], ["f2", "out"], "is taken: rename one"),
        (["x.hole.png"], ["f2/x.hole.png", "f2/x.png", "--overwrite"], "is taken: rename one"),
        (["a.png", "a.masked.hole.png"], ["f2/a.png"], "a.masked.hole.png exists"),
    ],
)
def test_holes_never_replace_a_photo_or_each_other(here, names, arguments, words):
    Path("f2").mkdir()
    for name in names:
        opened("in.jpg").save(Path("f2") / name)
    before = {path: path.read_bytes() for path in Path("f2").iterdir()}
    done = run("mask", *arguments, "--holes")
    assert done.exit_code in (1, 2)
    assert words in done.stderr
    assert {path: path.read_bytes() for path in Path("f2").iterdir()} == before
    assert not Path("out").exists()


def test_photos_without_a_face_are_listed_and_not_written(folder):
    pytest.importorskip("dlib")
    (folder / "bad.jpg").unlink()
    done = run("mask", "f", "out", "--style", "n95", "--json")
    assert done.exit_code == 1
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["faces"][0]["style"] == "n95"
    assert second["state"] == "not written"
    assert second["output"] is None
    assert done.stderr.splitlines()[-1] == "1 done, 1 not written"
    assert [path.name for path in Path("out").iterdir()] == ["a.jpg"]
    plain = run("mask", "blank.png")
    assert plain.exit_code == 1
    assert plain.stdout.startswith("blank.png  no face: not written")


def test_masking_without_dlib_names_the_extra(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    done = run("mask", "in.jpg")
    assert done.exit_code == 2
    assert "pip install 'mask2face[data]'" in done.stderr


def test_inspect_reads_the_mark(here, tiny_model):
    done = run("inspect", "in.jpg")
    assert done.exit_code == 0
    assert "no mark" in done.stdout
    run("unmask", "in.jpg", "--model", tiny_model)
    done = run("inspect", "in.unmasked.jpg")
    assert "holds generated parts" in done.stdout
    assert provenance.SOURCE_TYPE in done.stdout
    facts = json.loads(run("inspect", "in.unmasked.jpg", "--json").stdout)
    assert facts["generated"] is True
    assert facts["by_mask2face"] is True


def test_inspect_reads_a_card(tiny_model):
    done = run("inspect", tiny_model)
    assert done.exit_code == 0
    assert "name: tiny" in done.stdout
    assert "metrics: hole_psnr 9.5" in done.stdout
    assert json.loads(run("inspect", tiny_model, "--json").stdout)["side"] == 32


def test_inspect_says_who_embeds_faces_where_somebody_does(here, tiny_model, with_extra):
    path = with_extra(tiny_model, here / "face.onnx", "face", 128, "facenet.onnx")
    assert "embedder: facenet.onnx" in run("inspect", path).stdout
    assert "embedder" not in run("inspect", tiny_model).stdout
    done = run("unmask", "in.jpg", "--model", path)
    assert done.exit_code == 1
    assert "error: face.onnx wants the face embeddings of facenet.onnx" in done.stderr.replace(
        f"{here}/", ""
    )


def test_export_refuses_a_side_that_the_net_cannot_take(here):
    pytest.importorskip("torch")
    from mask2face import checkpoint

    about = checkpoint.Checkpoint("unet", {"filters": [4, 4], "kernels": [3, 3]}, 16)
    checkpoint.save("net.safetensors", about, checkpoint.build(about).state_dict())
    done = run("export", "net.safetensors", "net.onnx", "--side", "33")
    assert done.exit_code == 2
    assert "--side 33: this net takes multiples of 2 px" in done.stderr
    assert not Path("net.onnx").exists()


def test_export_says_who_embeds_faces(here, monkeypatch):
    pytest.importorskip("torch")
    from mask2face import checkpoint, exporters

    options = {"filters": [4, 4], "kernels": [3, 3], "embeddings": ["face"], "face_size": 5}
    about = checkpoint.Checkpoint("unet", options, 16, embedder="/their/own/facenet.onnx")
    net = checkpoint.build(about)
    checkpoint.save("net.safetensors", about, net.state_dict())
    cards = []

    def export(net, card, path, *, overwrite, faces):
        assert faces is None
        cards.append(card)
        return exporters.Exported(path, 1, 0.0)

    monkeypatch.setitem(exporters.EXPORTERS, "onnx", export)
    assert run("export", "net.safetensors", "net.onnx").exit_code == 0
    (card,) = cards
    assert card.embedder == "facenet.onnx", "the folder is no business of who gets the model"
    assert card.gmac > 0


def test_export_averages_over_mirror_images(here, monkeypatch):
    pytest.importorskip("torch")
    from mask2face import checkpoint, exporters

    about = checkpoint.Checkpoint("unet", {"filters": [4, 4], "kernels": [3, 3]}, 16)
    checkpoint.save("net.safetensors", about, checkpoint.build(about).state_dict())
    made = []

    def export(net, card, path, *, overwrite, faces):
        made.append((card, type(net).__name__))
        return exporters.Exported(path, 1, 0.0)

    monkeypatch.setitem(exporters.EXPORTERS, "onnx", export)
    for options in ([], ["--self-ensemble"]):
        assert run("export", "net.safetensors", "net.onnx", *options).exit_code == 0
    (once, plain), (twice, kind) = made
    assert (plain, kind) == ("UNet", "SelfEnsemble")
    assert twice.gmac == 2 * once.gmac
    assert twice.training == f"{once.training}; self-ensemble over the mirrored crop"


def test_models_are_listed(monkeypatch, tiny_model):
    monkeypatch.setattr("mask2face.restorer.shipped_models", lambda: {"tiny": tiny_model})
    assert run("models").stdout.startswith("tiny  version 1, none, 32 px")
    assert json.loads(run("models", "--json").stdout)["name"] == "tiny"
    monkeypatch.setattr("mask2face.restorer.shipped_models", dict)
    done = run("models")
    assert done.exit_code == 0
    assert "ships no models" in done.stderr


def test_the_demo(here, tiny_model):
    done = run("demo", "--model", tiny_model, "--out", "pictures")
    assert done.exit_code == 0, done.output
    assert "pictures/compare.png" in done.stdout
    for line in done.stdout.splitlines():
        assert Path(line.split("  ")[0].split(" -> ")[-1]).is_file()
    assert "invented" in done.stderr


def test_shipped_model_in_the_demo(here):
    done = run("demo")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("1 face mask replaced") == 3
    assert Path("mask2face-demo/compare.png").is_file()


def test_shipped_model_is_the_default(here):
    done = run("unmask", "in.jpg")
    assert done.exit_code == 0
    assert "model natural" in done.stderr
    assert "no face masks replaced: unchanged copy" in done.stdout
    assert "natural  version" in run("models").stdout
