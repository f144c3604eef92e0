"""Values of a user -> options of a style. `test_choice.py` has those that are refused."""

import pytest

from mask2face.errors import UnknownNameError, UsageError
from mask2face.facemasks.occluders import OCCLUDERS
from mask2face.masking import options

NO_WEIGHTS = {"colour": None, "pattern": None}


def test_options_are_spelled_for_users():
    inside = {"colour": "#ff0000", "colour_weight": 0.5, "pattern": "dots", "wear": "chin"}
    assert list(options.spelled(inside)) == ["color", "color_weight", "pattern", "wear"]


def test_only_what_is_asked_for_is_told():
    assert options.told(None, None, None, NO_WEIGHTS, None) == {}
    shares = options.weights(0.25, 1)
    assert options.told("#ff0000", None, "chin", shares, None) == {
        "colour": "#ff0000",
        "colour_weight": 0.25,
        "wear": "chin",
    }, "a weight of nothing is left out: entries of a code need not have all"
    assert options.told(None, "dots", None, shares, None)["pattern_weight"] == 1


def test_a_weight_of_nothing_is_refused():
    options.check_weighed(options.weights(0.5, None), {"colour"})
    with pytest.raises(UsageError, match="give a color too"):
        options.check_weighed(options.weights(0.5, None), {"pattern"})


@pytest.mark.parametrize("name", OCCLUDERS)
def test_every_object_stands_for_itself(name):
    assert name in options.in_front_of(name)


def test_a_kind_of_object_stands_for_all_of_it():
    assert options.in_front_of("hand") == ("hand_at_rim", "hand_over_mouth")
    with pytest.raises(UnknownNameError, match="unknown object in front"):
        options.in_front_of("han")
