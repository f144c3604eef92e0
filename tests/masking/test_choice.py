"""What a user asks for -> what is drawn; every wrong wish is refused before that."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from PIL import Image

from mask2face.errors import DataError, UnknownNameError, UsageError
from mask2face.facemasks import FACEMASKS, Drawn
from mask2face.masking import choice
from mask2face.masking.choice import Choice, Drawer, drawer
from mask2face.masking.wardrobe import Own

NONE_TAKES = "bare"  # takes no option at all


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "checks.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def pack(tmp_path):
    """A template pack of two red cards, one of a name with a dash."""
    folder = tmp_path / "pack"
    (folder / "templates").mkdir(parents=True)
    red = np.zeros((60, 100, 4), np.uint8)
    red[2:-2, 2:-2] = (0, 0, 200, 255)  # transparent around
    sections = ""
    for name in ("FFP-2", "plaster"):
        cv2.imwrite(str(folder / "templates" / f"{name}.png"), red)
        points = {
            "a": (2, 6),
            "b": (50, 2),
            "c": (98, 6),
            "d": (2, 50),
            "e": (50, 58),
            "f": (98, 50),
        }
        lines = [f"mask_{key}: {x}, {y}" for key, (x, y) in points.items()]
        sections += f"[{name}]\ntemplate: templates/{name}.png\n" + "\n".join(lines) + "\n\n"
    (folder / "masks.cfg").write_text(sections)
    return folder


def styles(**wish):
    return [one.style for one in drawer(**wish).choices]


def test_random_is_everything_that_covers_and_free():
    free = drawer()
    assert free.free
    assert "bare" not in [one.style for one in free.choices]
    assert all(one.share > 0 for one in free.choices)
    assert len(free.choices) > 3


def test_a_list_of_names_in_any_case_once_each():
    assert styles(style="Cloth, n95,cloth") == ["cloth", "n95"]


def test_masktheface_names_of_surgical_are_colours_of_ours():
    (one,) = drawer("surgical_green").choices
    assert one == Choice("surgical", {"colour": choice.ALIASES["surgical_green"]})
    (one,) = drawer("surgical_blue", "#ff0000").choices
    assert one.options["colour"] == "#ff0000", "what is asked for goes first"


def test_random_with_options_is_what_takes_them():
    with_color = drawer(color="#ff0000", wear="chin")
    assert not with_color.free
    for one in with_color.choices:
        assert one.options == {"colour": "#ff0000", "wear": "chin"}
        assert {"colour", "wear"} <= Own().takes(one.style)
    assert 1 < len(with_color.choices) < len(FACEMASKS)


def test_all_is_a_drawer_for_each_style():
    each = drawer("all").each()
    assert set(each) == set(FACEMASKS) - {"bare"}
    for name, one in each.items():
        assert [choice.style for choice in one.choices] == [name]
        assert not one.free


def test_a_picture_file_is_a_pattern(picture):
    (one,) = drawer("cloth", pattern=picture, pattern_weight=0.5).choices
    assert one.options == {"pattern": str(picture), "pattern_weight": 0.5}


def test_a_code_deals_every_entry_before_one_comes_twice():
    coded = drawer(code="cloth-#e54294, n95, cloth-dots")
    assert [one.options for one in coded.choices] == [
        {"colour": "#e54294"},
        {},
        {"pattern": "dots"},
    ]
    first = {seed: [coded.deal(seed, index) for index in range(6)] for seed in range(40)}
    for dealt in first.values():
        assert sorted(dealt[:3]) == [0, 1, 2]
        assert dealt[:3] == dealt[3:]
    assert {dealt[0] for dealt in first.values()} == {0, 1, 2}, "one face takes any"
    assert drawer("cloth").deal(0, 0) is None


def test_the_names_of_a_pack_replace_ours(pack):
    assert styles(templates=pack) == ["ffp-2", "plaster"]
    assert set(drawer("all", templates=pack).each()) == {"ffp-2", "plaster"}
    coded = drawer(code="FFP-2-#00ff00, plaster", templates=pack, color_weight=0.3)
    assert coded.choices[0] == Choice("ffp-2", {"colour": "#00ff00", "colour_weight": 0.3})
    assert coded.choices[1] == Choice("plaster", {})


def test_a_picture_of_the_pack_is_a_pattern(pack, picture):
    (pack / "textures").mkdir()
    picture.rename(pack / "textures" / "checks.png")
    (one,) = drawer("plaster", templates=pack, pattern="textures/checks.png").choices
    assert one.options["pattern"] == "textures/checks.png"


WRONG = [
    # wish, error, words
    ({"style": "surgicall"}, UnknownNameError, "did you mean 'surgical'"),
    ({"style": ""}, UnknownNameError, "choose from"),
    ({"style": "cloth,"}, UnknownNameError, "choose from"),
    ({"style": "cloth,random"}, UsageError, "'random' stands alone"),
    ({"style": "all,cloth"}, UsageError, "'all' stands alone"),
    ({"style": 3}, UsageError, "give a name"),
    ({"color": "blue"}, UsageError, "#0473e2"),
    ({"color": "#12345"}, UsageError, "#0473e2"),
    ({"color": ""}, UsageError, "#0473e2"),
    ({"color": 0x0473E2}, UsageError, "#0473e2"),
    ({"style": NONE_TAKES, "color": "#0473e2"}, UsageError, "takes no color: leave it out, or use"),
    ({"style": "cloth,bare", "color": "#0473e2"}, UsageError, "'bare' takes no color"),
    ({"color": "#0473e2", "color_weight": 1.01}, UsageError, "color_weight is 1.01: give a number"),
    ({"color": "#0473e2", "color_weight": -0.1}, UsageError, "from 0 to 1"),
    ({"color": "#0473e2", "color_weight": math.nan}, UsageError, "color_weight is nan"),
    ({"color": "#0473e2", "color_weight": math.inf}, UsageError, "color_weight is inf"),
    ({"color": "#0473e2", "color_weight": "much"}, UsageError, "from 0 to 1"),
    ({"color": "#0473e2", "color_weight": True}, UsageError, "from 0 to 1"),
    ({"color_weight": 0.5}, UsageError, "give a color too"),
    ({"pattern_weight": 0.5}, UsageError, "give a pattern too"),
    ({"pattern": "dots", "pattern_weight": 2}, UsageError, "pattern_weight is 2"),
    ({"pattern": "stripe"}, UsageError, "did you mean 'stripes'"),
    ({"pattern": "nowhere.png"}, UsageError, "no picture file and none of plain"),
    ({"pattern": "x" * 5000}, UsageError, "no picture file"),
    ({"pattern": ""}, UsageError, "no picture file"),
    ({"pattern": 4}, UsageError, "give a name or the path"),
    ({"style": "bare", "pattern": "dots"}, UsageError, "'bare' takes no pattern: leave it out"),
    ({"wear": "under_nose"}, UnknownNameError, "unknown way to wear a face mask"),
    ({"style": "bare", "wear": "chin"}, UsageError, "'bare' takes no wear"),
    ({"in_front": "elephant"}, UnknownNameError, "unknown object in front 'elephant'"),
    ({"in_front": "cupp"}, UnknownNameError, "did you mean 'cup'"),
    ({"templates": 3}, UsageError, "path of a folder"),
    ({"templates": "nowhere"}, DataError, "nowhere"),
    ({"code": ""}, UsageError, "cloth-#e54294"),
    ({"code": "n95", "style": "cloth"}, UsageError, "leave these out, or the code"),
    ({"code": "n95", "color": "#0473e2"}, UsageError, "leave these out, or the code"),
    ({"code": "n95", "pattern": "dots"}, UsageError, "leave these out, or the code"),
    ({"code": "n95, random"}, UsageError, "'random' stands alone, in no list and no code"),
    ({"code": "cloht-#e54294"}, UnknownNameError, "did you mean 'cloth'"),
    ({"code": "cloth-#e5429"}, UsageError, "#0473e2"),
    ({"code": "cloth-nowhere.png"}, UsageError, "no picture file"),
    ({"code": "bare-#e54294"}, UsageError, "'bare' takes no color"),
    ({"code": "cloth, n95", "color_weight": 0.5}, UsageError, "give a color too"),
    ({"code": "cloth, bare", "wear": "chin"}, UsageError, "'bare' takes no wear"),
]


@pytest.mark.parametrize(("wish", "error", "words"), WRONG, ids=lambda value: str(value)[:70])
def test_a_wrong_wish_is_refused_with_the_fix(wish, error, words):
    with pytest.raises(error, match=words.replace("(", r"\(")):
        drawer(**wish)


def test_a_pack_refuses_what_its_templates_do_not_take(pack):
    with pytest.raises(UsageError, match="takes no wear"):
        drawer("plaster", templates=pack, wear="chin")
    with pytest.raises(UnknownNameError, match="choose from .*plaster"):
        drawer("cloth", templates=pack)
    with pytest.raises(UsageError, match="no picture file, here or in"):
        drawer("plaster", templates=pack, pattern="nowhere.png")


def test_a_file_that_is_no_picture_is_no_pattern(tmp_path):
    (tmp_path / "notes.txt").write_text("dots")
    with pytest.raises(UsageError, match="the pattern is not a picture file"):
        drawer("cloth", pattern=tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="no picture file"):
        drawer("cloth", pattern=tmp_path)


def test_a_value_that_only_the_style_refuses_is_a_users_error_too(monkeypatch):
    def fussy(_photo, _landmarks, _rng, *, wear="over_nose"):
        raise ValueError(f"nobody can wear it {wear}")

    monkeypatch.setitem(FACEMASKS, "fussy", fussy)
    with pytest.raises(
        UsageError, match="cannot be drawn with wear 'chin': nobody can wear it chin"
    ):
        drawer("fussy", wear="chin")
    assert "fussy" not in styles(wear="chin"), "random leaves it out"
    choice._own_tried.cache_clear()


@dataclass
class _Counting:
    """A wardrobe that draws nothing and notes what it was asked."""

    names: tuple[str, ...] = ("a", "b")
    asked: list[str] = field(default_factory=list)
    folder: None = None

    def draw(self, name, photo, _landmarks, _rng, **options):
        self.asked.append(name)
        return Drawn(photo, np.zeros(photo.shape[:2], np.float32), name, options)


def test_shares_and_deals_say_how_often():
    wardrobe = _Counting()
    drawing = Drawer(wardrobe, (Choice("a", {}, 0.9), Choice("b", {}, 0.1)))
    photo = np.zeros((4, 4, 3), np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(400):
        drawing(photo, np.zeros((68, 2)), rng)
    assert 340 < wardrobe.asked.count("a") < 380
    assert drawing(photo, np.zeros((68, 2)), rng, 1).style == "b"
