"""Which faces are filled."""

from dataclasses import replace

import numpy as np
import pytest

from mask2face.errors import UsageError
from mask2face.pipeline import Unmasker
from mask2face.server.choosing import chosen


@pytest.fixture(scope="module")
def unmasker(tiny_model):
    return Unmasker(tiny_model, "cpu")


@pytest.fixture(scope="module")
def found(unmasker, portrait):
    both = unmasker.find(np.hstack([portrait, portrait[:, ::-1]]))
    assert [face.masked for face in both.faces] == [True, True]
    return both


def replaced(unmasker, found):
    return unmasker.fill(found).hole > 0


def test_all_unless_told(found):
    assert chosen(found, None) is found


def test_one_of_two(unmasker, found):
    whole = replaced(unmasker, found)
    parts = [replaced(unmasker, chosen(found, place)) for place in ("0", "1")]
    assert all(part.any() for part in parts)
    np.testing.assert_array_equal(parts[0] | parts[1], whole)
    assert not (parts[0] & parts[1]).any()
    np.testing.assert_array_equal(replaced(unmasker, chosen(found, "1,0,1")), whole)


def test_none(unmasker, found):
    result = unmasker.fill(chosen(found, "none"))
    np.testing.assert_array_equal(result.photo, found.pixels)
    assert not result.changed
    assert not result.hole.any()


def test_a_face_without_a_face_mask_has_its_place(unmasker, found):
    bare = replace(found.faces[0], masked=False)
    part = replace(
        found,
        faces=(bare, found.faces[1]),
        matrices=found.matrices[1:],
        crops=found.crops[1:],
        restored=found.restored[1:],
        weights=found.weights[1:],
    )
    np.testing.assert_array_equal(
        replaced(unmasker, chosen(part, "1")), replaced(unmasker, chosen(found, "1"))
    )
    assert not unmasker.fill(chosen(part, "0")).changed


def test_a_face_that_is_not_there(found, unmasker):
    with pytest.raises(UsageError, match="2 faces"):
        chosen(found, "0,2")
    empty = unmasker.find(np.zeros((64, 64, 3), np.uint8))
    assert chosen(empty, "none").faces == ()
    with pytest.raises(UsageError, match="0 faces"):
        chosen(empty, "0")
