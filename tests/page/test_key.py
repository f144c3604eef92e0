"""A server that wants a key: the page asks for it and keeps it in memory only."""

import pytest

KEY = "a-key-of-this-test-0123"


@pytest.fixture(scope="module")
def site(start):
    with start(api_key=KEY, local=False) as locked:
        yield locked


def enter(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Go on").click()


def test_the_key_is_asked_for_and_sent(visit, choose, saved, jpeg, axe):
    page = visit()
    assert page.get_by_text("Invented, not recovered.").is_visible()
    assert not page.get_by_role("button", name="Choose a photo").is_visible()
    enter(page, KEY + "x")
    page.get_by_text("does not know this key").wait_for()
    page.evaluate(axe)
    assert page.evaluate("axe.run()")["violations"] == []
    enter(page, KEY)
    page.get_by_role("button", name="Choose a photo").wait_for()
    assert "the server 127.0.0.1" in page.locator("#device-hint").inner_text()
    choose(page, "in.jpg", jpeg)
    assert saved(page)[0] == "in.unmasked.jpg"
    kept = "[localStorage.length, sessionStorage.length, document.cookie, location.href]"
    assert page.evaluate(kept)[:3] == [0, 0, ""]
    page.reload()
    page.get_by_label("API key").wait_for()


def test_on_this_device_behind_a_key(visit, choose, jpeg, engine, seen):
    page = visit()
    enter(page, KEY)
    page.get_by_role("switch", name="On this device").check()
    choose(page, "in.jpg", jpeg)
    assert seen.posts() == []
