"""For everybody: dark, narrow, still, by keyboard and by ear; and no other host."""

import pytest

KINDS = {
    "desk": {},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def barriers(page, axe):
    """Return what axe finds; in the dark, where only colours differ, what it finds of those."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    assert len(found["passes"]) > 15
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("() => axe.run(document, {runOnly: ['color-contrast']})")
    page.emulate_media(color_scheme="light")
    assert [one["id"] for one in dark["passes"]] == ["color-contrast"]
    wrong = found["violations"] + dark["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in wrong]


@pytest.fixture(scope="module")
def error():
    return {"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_barrier(visit, choose, jpeg, axe, error, kind):
    page = visit(**KINDS[kind])
    assert barriers(page, axe) == []
    page.set_input_files("#file", error)
    page.wait_for_selector("#error:not([hidden])")
    assert barriers(page, axe) == []
    choose(page, "in.jpg", jpeg)
    page.locator("button.face").first.click()
    page.get_by_text("2 faces, 1 face mask replaced, 1 kept").wait_for()
    assert barriers(page, axe) == []
    if kind == "phone":
        return
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_selector("#camera-take:enabled")
    assert barriers(page, axe) == []


def test_the_check_for_barriers_sees_them(visit, axe):
    page = visit()
    page.evaluate("() => document.getElementById('choose').replaceChildren()")
    assert [name for name, _ in barriers(page, axe)] == ["button-name"]


def test_a_phone_scrolls_down_only(visit, choose, jpeg, error):
    page = visit(**KINDS["phone"])
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 360
    page.set_input_files("#file", error)
    page.wait_for_selector("#error:not([hidden])")
    assert page.evaluate(width) == 360
    choose(page, "in.jpg", jpeg)
    assert page.evaluate(width) == 360
    heights = page.eval_on_selector_all(
        "main .button, main .switch, button.face",
        "all => all.map(one => one.getBoundingClientRect()).filter(one => one.width)"
        ".map(one => one.height)",
    )
    assert min(heights) >= 24


def test_dark_where_the_system_is(visit):
    def ground(**options):
        code = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        return sum(visit(**options).evaluate(code))

    assert ground(color_scheme="light") > 600
    assert ground(color_scheme="dark") < 120


def test_all_of_it_by_keyboard(visit, choose, jpeg):
    page = visit()
    choose(page, "in.jpg", jpeg)
    page.evaluate("() => document.activeElement.blur()")
    passed = []
    for _ in range(9):
        page.keyboard.press("Tab")
        shows = page.evaluate("""() => {
          const one = document.activeElement;
          const ringed = one.id === "wipe" ? document.querySelector("#handle span") : one;
          const style = getComputedStyle(ringed);
          return [one.id || one.className, style.outlineStyle !== "none"];
        }""")
        passed.append(shows)
    names = [name for name, _ in passed]
    assert names[:6] == ["face", "face", "wipe", "download", "choose", "camera"]
    assert "device" in names or page.locator("#device").is_disabled()
    assert all(ring for name, ring in passed if name), passed


def test_still_where_motion_is_not_wanted(visit, choose, jpeg):
    still = visit(reduced_motion="reduce")
    choose(still, "in.jpg", jpeg)
    running = "document.getAnimations().filter(one => one.playState === 'running').length"
    assert still.evaluate(running) == 0
    assert still.get_by_role("slider").input_value() != "100"
    moving = visit(reduced_motion="no-preference")
    moving.evaluate("""() => {
      window.steps = new Set();
      const stage = document.getElementById("stage");
      const note = () => steps.add(stage.style.getPropertyValue("--wipe"));
      new MutationObserver(note).observe(stage, {attributes: true});
    }""")
    choose(moving, "in.jpg", jpeg)
    end = still.get_by_role("slider").input_value()
    moving.wait_for_function("end => document.getElementById('wipe').value === end", arg=end)
    assert moving.evaluate("steps.size") > 2


def test_without_javascript_it_says_so(visit, chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url)
    assert page.locator("noscript p").is_visible()
    assert page.get_by_text("Invented, not recovered.").is_visible()
    context.close()
