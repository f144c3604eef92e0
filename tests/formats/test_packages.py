"""A missing package."""

import pytest

from mask2face.errors import MissingExtraError
from mask2face.formats.packages import check_packages


def test_a_missing_package_names_its_extra():
    check_packages("mobile", "torch")
    with pytest.raises(MissingExtraError, match=r"no_such.*mask2face\[mobile\]"):
        check_packages("mobile", "torch", "no_such")
