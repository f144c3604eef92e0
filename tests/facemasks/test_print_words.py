import numpy as np

from mask2face.facemasks.print_words import word_of, write


def test_words_are_letters_with_vowels():
    rng = np.random.default_rng(0)
    words = {word_of(rng) for _ in range(100)}
    assert len(words) > 80
    assert all(word.isalpha() and set(word.lower()) & set("aeiou") for word in words)


def test_text_is_as_wide_as_asked_and_centred():
    tile = np.zeros((200, 200, 3), np.uint8)
    write(tile, "NOVARI", (0.5, 0.4), 0.6, np.full(3, 255.0), 0, 0.12)
    rows, columns = np.nonzero(tile[..., 0] > 100)
    assert 105 < np.ptp(columns) < 130
    assert abs(columns.mean() - 100) < 8
    assert abs(rows.mean() - 80) < 8
