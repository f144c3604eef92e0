"""Errors of the package as HTTP answers."""

import json

import pytest

from mask2face import errors
from mask2face.server import problems


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.PhotoError("the photo is empty"), 422),
        (errors.PhotoTooLargeError("9 million pixels"), 413),
        (errors.UsageError("no"), 400),
        (errors.UnknownNameError("no"), 400),
        (errors.OutputError("JPEG cannot hold it"), 422),
        (errors.MissingExtraError("pillow_heif", "heif"), 415),
        (errors.MissingExtraError("dlib", "data"), 501),
        (errors.ModelError("/srv/model.onnx is broken"), 500),
        (errors.DataError("/srv/x"), 500),
    ],
)
def test_the_status_of_each(error, status):
    assert problems.status_of(error) == status
    detail = problems.detail_of(error, status)
    assert "/srv" not in detail
    assert (detail == problems.FAILED) == (status == 500)


def test_an_answer():
    answer = problems.answer(503, "full", "abc", {"Retry-After": "3"})
    assert answer.headers["retry-after"] == "3"
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "full",
        "request_id": "abc",
    }
    assert json.loads(problems.answer(499, "x", "y").body)["title"] == "Error"


def test_wrong_options_in_words():
    found = [{"loc": ("query", "seed"), "msg": "too small"}, {"loc": ("body",), "msg": "missing"}]
    assert problems.said(found) == "seed: too small; the request: missing"
