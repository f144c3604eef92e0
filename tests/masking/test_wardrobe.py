"""Our own styles and template packs behind one face."""

import inspect

import pytest

from mask2face.errors import DataError
from mask2face.facemasks import FACEMASKS
from mask2face.masking.wardrobe import Own, Pack


def test_our_own_styles():
    own = Own()
    assert own.folder is None
    assert set(own.names) == set(FACEMASKS)
    assert set(own.shares) == set(FACEMASKS) - {"bare"}, "random and all always cover something"
    assert sum(own.shares.values()) > 0


@pytest.mark.parametrize("name", FACEMASKS)
def test_what_a_style_takes_is_what_its_signature_says(name):
    parameters = inspect.signature(FACEMASKS[name]).parameters
    for option in ("colour", "colour_weight", "pattern", "pattern_weight", "wear", "nonsense"):
        assert (option in Own().takes(name)) == (option in parameters)
    assert not {"photo", "landmarks", "rng"} & Own().takes(name)


def test_a_folder_without_templates_is_refused(tmp_path):
    with pytest.raises(DataError):
        Pack(tmp_path)
