"""A file in, a file out: sound, times, rotation, colours, the mark; and what goes wrong."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mask2face import photos, provenance
from mask2face.errors import MissingExtraError, OutputError, UsageError, VideoError
from mask2face.faces import Face
from mask2face.video import Clip, FaceFiller, default_target, unmask
from mask2face.video.mark import MARK
from mask2face.video.output import CONTAINERS

av = pytest.importorskip("av")
_spec = importlib.util.spec_from_file_location("clips", Path(__file__).with_name("conftest.py"))
clips = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clips)

SIDE = 48
VARIABLE = [0, 24, 48, 96, 120, 132, 200, 300]


def astronaut(_photo):
    points = np.array([(98, 107), (130, 107), (112, 128), (100, 148), (128, 148)], np.float32)
    return [Face((70, 60, 160, 175), points, 0.9)]


def painted(crops):
    holes = np.zeros(crops.shape[:3], np.float32)
    holes[:, SIDE // 2 : SIDE * 7 // 8, SIDE // 4 : SIDE * 3 // 4] = 1
    return crops[..., ::-1].copy(), holes


def bare(crops):
    return crops, np.zeros(crops.shape[:3], np.float32)


def filler(restore=painted, detect=astronaut):
    return FaceFiller(detect, restore, SIDE)


def seconds(path):
    return [float(frame.pts * frame.time_base) for frame in clips.decoded(path)]


def stored(pictures):
    """As a phone held upright stores them: to be turned by 90° with the clock."""
    return [np.ascontiguousarray(np.rot90(part)) for part in pictures]


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    """An MP4 as of a phone: turned, with sound, at a variable rate, with a title."""
    path = tmp_path_factory.mktemp("clips") / "phone.mp4"
    tags = {"title": "holiday", "comment": "mine"}
    return clips.write_clip(
        path,
        stored(clips.frames()),
        times=VARIABLE,
        sound="aac",
        matrix=clips.DISPLAY_90,
        metadata=tags,
    )


@pytest.fixture(scope="module")
def lossless(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "lossless.mkv"
    return clips.write_clip(path, clips.frames(6, noise=3), codec="ffv1", sound="flac")


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_all_but_the_hole_is_kept(phone, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    told = []
    report = unmask(phone, target, filler(), tell=lambda *at: told.append(at))
    assert (report.frames, report.changed, report.faces) == (8, 8, 1)
    assert str(report) == "8 frames, 1 face at most, face masks replaced in 8 of them"
    assert told[-1] == (8, 8)
    # MKV counts ms, and begins where the sound does
    times, expected = np.array(seconds(target)), np.array(seconds(phone))
    np.testing.assert_allclose(times - times[0], expected, atol=1.1e-3 if suffix == ".mkv" else 0)
    frames, originals = clips.decoded(target), clips.decoded(phone)
    kept = ("rotation", "color_range", "colorspace", "width", "height")
    for name in kept:
        assert getattr(frames[0], name) == getattr(originals[0], name), name
    assert frames[0].rotation == -90
    sounds = [clips.audio_packets(path) for path in (phone, target)]
    assert [data for _, data in sounds[0]] == [data for _, data in sounds[1]]
    assert len(sounds[0]) > 10
    if suffix != ".mkv":
        assert [time for time, _ in sounds[0]] == [time for time, _ in sounds[1]]
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_the_last_frame_lasts_as_long_as_it_did(phone, tmp_path):
    unmask(phone, tmp_path / "out.mp4", filler())
    old, new = (clips.decoded(path)[-1] for path in (phone, tmp_path / "out.mp4"))
    assert new.duration * new.time_base == old.duration * old.time_base > 0


def test_the_fill_is_upright_and_in_place(phone, tmp_path):
    unmask(phone, tmp_path / "out.mp4", filler())
    before, after = (np.rot90(clips.rgb(path)[3], -1) for path in (phone, tmp_path / "out.mp4"))
    mouth, hair = (slice(145, 160), slice(100, 128)), (slice(20, 50), slice(90, 130))
    swapped = before[mouth][..., ::-1].astype(float).mean((0, 1))
    np.testing.assert_allclose(after[mouth].mean((0, 1)), swapped, atol=8)
    np.testing.assert_allclose(after[hair].astype(float), before[hair], atol=25)


def test_a_lossless_clip_is_bit_identical_outside_the_hole(lossless, tmp_path):
    target = tmp_path / "out.mkv"
    unmask(lossless, target, filler())
    hole = np.zeros((240, 224), bool)
    hole[110:200, 60:165] = True
    near = np.zeros((120, 112), bool)  # colour, at half size: one sample more on each side
    near[54:101, 29:84] = True
    for old, new in zip(clips.decoded(lossless), clips.decoded(target), strict=True):
        assert new.format.name == old.format.name
        for number, inside in enumerate((hole, near, near)):
            height, width = inside.shape
            planes = [
                np.frombuffer(frame.planes[number], np.uint8).reshape(height, -1)[:, :width]
                for frame in (old, new)
            ]
            np.testing.assert_array_equal(planes[0][~inside], planes[1][~inside])
            assert (planes[0] != planes[1]).any()
    assert clips.audio_packets(lossless) == clips.audio_packets(target)


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [(".mkv", "ffv1", "yuva420p"), (".mov", "png", "rgba"), (".webm", "libvpx-vp9", "yuva420p")],
)
def test_transparency_that_is_lost_is_said(tmp_path, suffix, codec, pixels):
    source = clips.write_clip(tmp_path / f"in{suffix}", clips.frames(2), codec=codec, pixels=pixels)
    report = unmask(source, tmp_path / f"out{suffix}", filler())
    assert report.notes == ("transparency left out",)
    assert unmask(source, tmp_path / f"copy{suffix}", filler(bare)).notes == ()


def tags(path):
    with av.open(str(path), options={"export_xmp": "1"}) as clip:
        return {key.lower(): value for key, value in clip.metadata.items()}


def test_the_mark_is_in_the_container(phone, tmp_path):
    unmask(phone, tmp_path / "out.mp4", filler())
    found = tags(tmp_path / "out.mp4")
    assert found["title"] == "holiday"
    assert found["comment"] == f"mine; {MARK}"
    assert provenance.SOURCE_TYPE in found["xmp"]
    unmask(tmp_path / "out.mp4", tmp_path / "again.mp4", filler())
    assert tags(tmp_path / "again.mp4")["comment"] == found["comment"], "said once"
    assert tags(tmp_path / "again.mp4")["xmp"].count("stEvt:softwareAgent>mask2face") == 1
    unmask(phone, tmp_path / "out.mkv", filler())
    assert tags(tmp_path / "out.mkv")["digitalsourcetype"] == provenance.SOURCE_TYPE


def test_without_a_face_mask_the_file_is_copied(phone, tmp_path):
    report = unmask(phone, tmp_path / "out.mp4", filler(bare))
    assert str(report) == "8 frames, 1 face at most, no face mask: unchanged copy"
    assert (tmp_path / "out.mp4").read_bytes() == phone.read_bytes()
    report = unmask(phone, tmp_path / "out.mov", filler(detect=lambda _photo: []))
    assert str(report) == "8 frames, no face: unchanged copy"
    for old, new in zip(clips.rgb(phone), clips.rgb(tmp_path / "out.mov"), strict=True):
        np.testing.assert_array_equal(old, new)
    assert "mask2face" not in str(tags(tmp_path / "out.mov"))
    assert clips.decoded(tmp_path / "out.mov")[0].rotation == -90


def test_previews_are_before_and_after(phone, tmp_path):
    report = unmask(phone, tmp_path / "out.mp4", filler(), preview=2)
    assert [path.name for path in report.previews] == ["out.preview-1.png", "out.preview-2.png"]
    read = photos.read(report.previews[0])
    assert read.pixels.shape == (240, 448, 3), "upright, side by side"
    assert provenance.read_mark(report.previews[0]).by_mask2face
    assert (read.pixels[:, :224] != read.pixels[:, 224:]).any()
    (tmp_path / "out.mp4").unlink()
    with pytest.raises(OutputError, match=r"preview-1\.png exists"):
        unmask(phone, tmp_path / "out.mp4", filler(), preview=1)


def test_odd_sizes_and_no_sound(tmp_path):
    odd = [part[:231, :221] for part in clips.frames(3)]
    source = clips.write_clip(tmp_path / "odd.mkv", odd, codec="ffv1", pixels="yuv444p")
    unmask(source, tmp_path / "out.mp4", filler())
    frames = clips.rgb(tmp_path / "out.mp4")
    assert len(frames) == 3
    assert frames[0].shape == (231, 221, 3)


@pytest.mark.parametrize(
    ("suffix", "encoder", "codec", "pixels"),
    [
        (".mp4", "libx265", "hevc", "yuv420p10le"),
        (".webm", "libvpx-vp9", "vp9", "yuv420p"),
        (".mkv", "libsvtav1", "av1", "yuv420p"),
        (".mp4", "mpeg4", "h264", "yuv420p"),  # which we do not write
    ],
)
def test_the_codec_is_kept_where_we_write_it(tmp_path, suffix, encoder, codec, pixels):
    source = clips.write_clip(
        tmp_path / f"in{suffix}", clips.frames(3), codec=encoder, pixels=pixels
    )
    target = tmp_path / f"out{suffix}"
    assert unmask(source, target, filler()).changed == 3
    with av.open(str(target)) as clip:
        context = clip.streams.video[0].codec_context
        assert context.codec.canonical_name == codec
        assert context.pix_fmt == pixels
        if codec == "hevc":
            assert context.codec_tag == "hvc1", "what Apple's players ask for"
        assert len(list(clip.decode(video=0))) == 3
    assert seconds(target) == pytest.approx(seconds(source), abs=1.1e-3)


# --- what goes wrong


def only(folder, *names):
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_failed_or_interrupted_run_leaves_nothing(phone, tmp_path):
    def fails(_crops):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unmask(phone, tmp_path / "out.mp4", filler(fails))
    only(tmp_path)
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(KeyboardInterrupt):
        unmask(phone, tmp_path / "out.mp4", filler(fails), overwrite=True)
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    only(tmp_path, "out.mp4")


def test_nothing_is_overwritten_unasked(phone, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"):
        unmask(phone, tmp_path / "out.mp4", filler())
    unmask(phone, tmp_path / "out.mp4", filler(), overwrite=True)
    assert len(clips.decoded(tmp_path / "out.mp4")) == 8
    with pytest.raises(OutputError, match="input itself"):
        unmask(phone, phone, filler(), overwrite=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.avi", r"\.mp4, \.m4v, \.mov, \.mkv, \.webm: name the output so"),
        ("out", "name the output so"),
        ("out.webm", r"webm files cannot hold aac.*name the output \.mkv"),
    ],
)
def test_outputs_that_cannot_be(phone, tmp_path, name, words):
    with pytest.raises(UsageError, match=words):
        unmask(phone, tmp_path / name, filler())
    only(tmp_path)


def test_inputs_that_cannot_be(phone, tmp_path):
    target = tmp_path / "out.mp4"
    with pytest.raises(UsageError, match="no such file"):
        unmask(tmp_path / "none.mp4", target, filler())
    junk = tmp_path / "junk.mp4"
    for data in (b"", b"junk" * 99, phone.read_bytes()[:3000]):
        junk.write_bytes(data)
        with pytest.raises(VideoError, match="broken or no video"):
            unmask(junk, target, filler())
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as out:
        clips._sing(out, out.add_stream("aac", rate=48000, layout="mono"), 1)
    with pytest.raises(VideoError, match="no video stream"):
        unmask(tmp_path / "sound.m4a", target, filler())
    with pytest.raises(UsageError, match="0 or more"):
        unmask(phone, target, filler(), preview=-1)
    only(tmp_path, "junk.mp4", "sound.m4a")


def test_a_clip_that_breaks_off_says_where(tmp_path):
    source = clips.write_clip(
        tmp_path / "long.mkv", clips.frames(2) * 2, times=[0, 600, 1800, 3000]
    )
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(VideoError, match=r"breaks off at|broken"):
        unmask(source, tmp_path / "out.mp4", filler())
    only(tmp_path, "long.mkv")


def test_a_missing_package_names_its_extra(phone, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mask2face\[video\]'"):
        Clip(phone)
    with pytest.raises(MissingExtraError, match=r"pip install 'mask2face\[video\]'"):
        unmask(phone, phone.with_name("out.mp4"), filler())


def test_the_default_name():
    assert default_target(Path("x/Clip.MOV")) == Path("x/Clip.unmasked.MOV")
    assert default_target(Path("old.wmv")) == Path("old.unmasked.mkv")
    assert set(CONTAINERS) == {".mp4", ".m4v", ".mov", ".mkv", ".webm"}


def test_importing_the_workflow_does_not_load_the_package():
    code = "import sys, mask2face.video; print('av' in sys.modules, 'torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]
