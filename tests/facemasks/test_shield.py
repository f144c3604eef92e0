import numpy as np
import pytest

from mask2face.facemasks import shield

SEEDS = range(4)


def drawn_on(face, seed=0, **options):
    return shield.draw(*face, np.random.default_rng(seed), **options)


def behind(face, seed, **options):
    """What the same state draws without the visor."""
    rng = np.random.default_rng(seed)
    style = shield.BEHIND[int(rng.integers(len(shield.BEHIND)))]
    return style(*face, rng, **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hole_is_that_of_the_face_mask_behind(seed, face):
    result, without = drawn_on(face, seed), behind(face, seed)
    np.testing.assert_array_equal(result.hole, without.hole)
    assert result.style == "shield"
    assert result.options == {**without.options, "behind": without.style}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_visor_stays_where_the_face_mask_is_taken_off(seed, face):
    photo, landmarks = face
    result = drawn_on(face, seed)
    assert result.bare is not None
    changed = (result.bare != photo).any(axis=2)
    np.testing.assert_array_equal(result.photo[result.hole == 0], result.bare[result.hole == 0])
    # it reaches from above the brows to below the chin, and past both cheeks
    rows, columns = np.nonzero(changed)
    assert rows.min() < landmarks[17:27, 1].min()
    assert rows.max() > landmarks[8, 1]
    assert columns.min() < landmarks[2, 0]
    assert columns.max() > landmarks[14, 0]
    assert changed[result.hole > 0.5].mean() > 0.5  # it lies before the hole, too


@pytest.mark.parametrize("seed", SEEDS)
def test_a_visor_is_clear(seed, face):
    photo, landmarks = face
    bare = drawn_on(face, seed).bare.astype(int)
    x0, y0 = landmarks[36:48].min(axis=0).astype(int)
    x1, y1 = landmarks[36:48].max(axis=0).astype(int)
    eyes = np.abs(bare - photo)[y0:y1, x0:x1]
    assert np.median(eyes) < 40
    there = np.corrcoef(bare[y0:y1, x0:x1].ravel(), photo[y0:y1, x0:x1].ravel())[0, 1]
    assert there > 0.6


def test_the_visor_is_laid_over_the_face_mask_too(face):
    different = 0
    for seed in SEEDS:
        result, without = drawn_on(face, seed), behind(face, seed)
        core = result.hole > 0.99
        different += (result.photo != without.photo).any(axis=2)[core].mean() > 0.3
    assert different == len(SEEDS)


def test_all_that_may_be_behind_is():
    assert {style.__module__.rsplit(".", 1)[1] for style in shield.BEHIND} == {
        "surgical",
        "cloth",
        "kn95",
    }


def test_every_kind_is_worn_behind(face):
    photo, landmarks = face
    small = photo[::3, ::3].copy(), landmarks / 3
    found = {drawn_on(small, seed).options["behind"] for seed in range(12)}
    assert found == {"surgical", "cloth", "kn95"}


def test_the_colour_is_that_of_the_face_mask(face):
    assert drawn_on(face, 2, colour="#0a0aff").options["colour"] == "#0a0aff"
    own = drawn_on(face, 2).options["colour"]
    assert drawn_on(face, 2, colour="#0a0aff", colour_weight=0.0).options["colour"] == own


def test_a_wrong_weight_is_refused(face):
    with pytest.raises(ValueError, match="0 to 1"):
        drawn_on(face, 0, colour="#0a0aff", colour_weight=1.5)


@pytest.mark.parametrize("away", [5000, -5000])
def test_a_face_outside_the_photo_changes_nothing(away, face):
    photo, landmarks = face
    result = drawn_on((photo, landmarks + away))
    np.testing.assert_array_equal(result.photo, photo)
    assert result.bare is None or (result.bare == photo).all()
    assert not result.hole.any()


def test_neither_photo_nor_landmarks_are_changed(face):
    photo, landmarks = face
    kept = photo.copy(), landmarks.copy()
    drawn_on(face)
    np.testing.assert_array_equal(photo, kept[0])
    np.testing.assert_array_equal(landmarks, kept[1])
