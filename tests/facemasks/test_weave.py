import numpy as np
import pytest

from mask2face.facemasks.garment import Cloth
from mask2face.facemasks.weave import WEAVES, any_weave, weave


def cloth_of(unit):
    height, width = round(0.7 * unit), round(1.1 * unit)
    v, u = np.mgrid[0 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return Cloth(u, v, np.ones_like(u), float(unit), 0.7)


@pytest.mark.parametrize("kind", WEAVES)
def test_structure_shows_in_large_photos(kind):
    cloth = cloth_of(500)
    tone, relief = weave(cloth, kind, np.random.default_rng(0))
    assert tone.shape == relief.shape == cloth.u.shape
    assert tone.dtype == relief.dtype == np.float32
    assert tone.mean() == pytest.approx(1, abs=0.08)
    assert tone.min() > 0
    assert np.abs(relief).max() < 0.02
    if kind == "smooth":
        assert np.all(tone == 1)
        assert np.all(relief == 0)
    else:
        assert tone.std() > 0.003


@pytest.mark.parametrize("kind", [kind for kind in WEAVES if kind not in ("holes", "quilt")])
def test_structure_finer_than_a_pixel_is_not_drawn(kind):
    tone, relief = weave(cloth_of(40), kind, np.random.default_rng(0))
    np.testing.assert_allclose(tone, 1, atol=0.02)
    np.testing.assert_allclose(relief, 0, atol=1e-3)


def test_structure_fades_where_the_cloth_turns_away():
    unit, width = 300, 330
    spot = np.linspace(-1, 1, width, dtype=np.float32)
    u = np.broadcast_to(np.arcsin(spot) / np.float32(np.pi / 2), (210, width)).astype(np.float32)
    v = np.broadcast_to(np.linspace(0, 1, 210, dtype=np.float32)[:, None], u.shape)
    cloth = Cloth(u, v, np.ones_like(u), float(unit), 0.7)
    tones = np.stack([weave(cloth, "rib", np.random.default_rng(seed))[0] for seed in range(6)])
    assert (
        tones[:, :, :3].std(axis=(1, 2)).mean() < 0.5 * tones[:, :, 100:230].std(axis=(1, 2)).mean()
    )


def test_same_state_same_structure():
    first, second = (weave(cloth_of(150), "knit", np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_a_single_pixel_is_no_error():
    one = np.zeros((1, 1), np.float32)
    tone, _ = weave(Cloth(one, one, one, 200.0, 0.7), "plain", np.random.default_rng(0))
    assert tone.shape == (1, 1)
    assert np.isfinite(tone).all()


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="twill"):
        weave(cloth_of(50), "tweel", np.random.default_rng(0))
    with pytest.raises(ValueError, match="surgical"):
        any_weave(np.random.default_rng(0), "chirurgical")


@pytest.mark.parametrize("family", ["cloth", "printed", "surgical", "n95", "scarf"])
def test_families_have_weaves_of_their_own(family):
    rng = np.random.default_rng(0)
    found = {any_weave(rng, family) for _ in range(500)}
    assert found <= set(WEAVES)
    assert len(found) > 2
