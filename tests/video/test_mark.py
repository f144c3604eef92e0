"""The mark of videos: written, read back, and what says nothing."""

import importlib.util
from pathlib import Path

import pytest

from mask2face import provenance
from mask2face.errors import UsageError, VideoError
from mask2face.video.mark import MARK, append_xmp, read_mark

av = pytest.importorskip("av")
_spec = importlib.util.spec_from_file_location("clips", Path(__file__).with_name("conftest.py"))
clips = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clips)


def test_xmp_is_read_and_comes_first(tmp_path):
    path = clips.write_clip(tmp_path / "in.mp4", clips.frames(2), metadata={"comment": MARK})
    found = read_mark(path)
    assert found.source_type == provenance.SOURCE_TYPE
    assert found.by_mask2face
    append_xmp(path, provenance.mark(None, "drawn", provenance.DRAWN))
    assert read_mark(path) == provenance.Provenance(provenance.DRAWN, ("mask2face: edited, drawn",))
    assert len(clips.decoded(path)) == 2, "it still plays"


def test_tags_of_other_programs(tmp_path):
    other = {"DIGITALSOURCETYPE": provenance.DRAWN, "comment": "mine"}
    path = clips.write_clip(tmp_path / "in.mkv", clips.frames(1), metadata=other)
    found = read_mark(path)
    assert found == provenance.Provenance(provenance.DRAWN, ())
    assert found.generated
    assert not found.by_mask2face


def test_no_mark_and_a_broken_one(tmp_path):
    for suffix in (".mp4", ".mkv"):
        path = clips.write_clip(tmp_path / f"in{suffix}", clips.frames(1))
        assert read_mark(path) is None
    append_xmp(tmp_path / "in.mp4", b"<not XMP")
    assert read_mark(tmp_path / "in.mp4") is None


def test_bad_files(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_mark(tmp_path / "none.mp4")
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 100)
    with pytest.raises(VideoError, match="broken or no video"):
        read_mark(tmp_path / "junk.mp4")
