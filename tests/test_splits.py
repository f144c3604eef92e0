from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.splits import SPLITS, digest, generator, split


@dataclass(frozen=True)
class Shot:
    identity: str
    known: bool = True


def test_the_digest_is_the_same_on_every_machine():
    assert digest(0, "a") == 0x15D8D767D2A6EBD3  # b2sum -l 64 of the bytes "0\0a"
    assert digest(0, "a") != digest(0, "b")
    assert digest(1, "0") != digest(10, "")


def test_generators_repeat():
    first = generator(3, "x.jpg").standard_normal(4)
    assert np.array_equal(first, generator(3, "x.jpg").standard_normal(4))
    assert not np.array_equal(first, generator(4, "x.jpg").standard_normal(4))


people = st.lists(
    st.builds(Shot, st.sampled_from([f"p{n}" for n in range(30)]), st.booleans()), max_size=80
)


@settings(deadline=None)
@given(people, st.integers(0, 3), st.integers(0, 40), st.floats(0, 0.9))
def test_everybody_is_in_one_split_and_unknown_people_in_train(shots, seed, test, share):
    names = split(shots, seed=seed, test=test, validation_share=share)
    assert names.keys() == {shot.identity for shot in shots}
    assert set(names.values()) <= set(SPLITS)
    assert all(names[shot.identity] == "train" for shot in shots if not shot.known)
    assert names == split(list(reversed(shots)), seed=seed, test=test, validation_share=share)


@settings(deadline=None)
@given(people, st.integers(0, 3), st.integers(0, 40))
def test_the_test_split_exceeds_its_size_by_less_than_one_person(shots, seed, test):
    unknown = {shot.identity for shot in shots if not shot.known}
    sizes = Counter(shot.identity for shot in shots)
    names = split(shots, seed=seed, test=test, validation_share=0)
    taken = sum(names[shot.identity] == "test" for shot in shots)
    largest = max(sizes.values(), default=0)
    assert taken < test + largest or test == taken == 0
    possible = sum(count for name, count in sizes.items() if name not in unknown)
    assert taken >= min(test, possible)


def test_shares_of_many_people():
    shots = [Shot(f"p{n}") for n in range(2000)]
    counts = Counter(split(shots, test=300, validation_share=0.2).values())
    assert counts == {"test": 300, "validation": 340, "train": 1360}


def test_another_seed_gives_another_test():
    shots = [Shot(f"p{n}") for n in range(100)]
    first, second = (split(shots, seed=seed, test=20) for seed in (0, 1))
    assert {n for n in first if first[n] == "test"} != {n for n in second if second[n] == "test"}


def test_people_keep_their_split_when_others_join_past_them():
    shots = [Shot(f"p{n}") for n in range(200)]
    before = split(shots, test=20, validation_share=0)
    after = split([*shots, Shot("new")], test=20, validation_share=0)
    moved = [name for name in before if before[name] != after[name]]
    assert len(moved) <= 1


@pytest.mark.parametrize(
    "wrong", [{"test": -1}, {"validation_share": 1.0}, {"validation_share": -0.1}]
)
def test_bad_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="expected test >= 0"):
        split([Shot("a")], **wrong)
