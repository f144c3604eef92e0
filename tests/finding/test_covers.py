import numpy as np

from mask2face.finding.covers import cover

BOX = np.array([40, 30, 100, 110], np.float32)
POINTS = np.array([(56, 62), (84, 62), (70, 76), (58, 92), (82, 92)], np.float32)


def test_something_of_the_face_is_covered_and_most_is_not():
    rng = np.random.default_rng(0)
    shares, before = [], np.random.default_rng(1).integers(0, 256, (140, 140, 3), dtype=np.uint8)
    for _ in range(40):
        picture = before.copy()
        cover(picture, BOX, POINTS, rng)
        changed = (picture != before).any(2)
        shares.append(changed[30:110, 40:100].mean())
        assert not changed[85:105, 60:80].all()  # the mouth stays
    assert 0.02 < np.mean(shares) < 0.5
    assert max(shares) < 0.7


def test_a_view_is_changed_and_what_is_around_it_is_not():
    whole = np.full((300, 300, 3), 99, np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(10):
        cover(whole[80:220, 80:220], BOX, POINTS, rng)
    assert (whole[80:220, 80:220] != 99).any()
    whole[80:220, 80:220] = 99
    assert (whole == 99).all()


def test_a_face_at_the_edge():
    rng = np.random.default_rng(3)
    picture = np.zeros((20, 20, 3), np.uint8)
    for _ in range(30):
        cover(picture, BOX - 35, POINTS - 35, rng)
    assert picture.shape == (20, 20, 3)
