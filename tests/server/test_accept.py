"""What an `Accept` header asks for."""

import pytest
from starlette.exceptions import HTTPException

from mask2face.server.accept import best, preferences


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "TIFF"),
        ("*/*", "TIFF"),
        ("image/*", "TIFF"),
        ("application/json", "JSON"),
        ("application/json, text/plain, */*", "TIFF"),
        ("image/avif,image/webp,*/*;q=0.8", "WEBP"),
        ("image/png;q=0.2, application/json;q=0.3", "JSON"),
        ("IMAGE/PNG", "PNG"),
        ("image/*, image/tiff;q=0", "JPEG"),
        ("application/json;q=nan, image/bmp", "BMP"),
        ("application/json;q=wrong, image/bmp;q=7", "BMP"),
        (";;,,=, image/png", "PNG"),
    ],
)
def test_the_kind_wanted_most(accept, kind):
    assert best(preferences(accept), "TIFF") == kind


@pytest.mark.parametrize("accept", ["text/html", "image/gif", "*/*;q=0", "nonsense"])
def test_nothing_that_we_have(accept):
    with pytest.raises(HTTPException) as caught:
        preferences(accept)
    assert caught.value.status_code == 406
