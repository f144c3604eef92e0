import json
import math

import pytest

from mask2face.errors import ConfigurationError, UnknownNameError
from mask2face.recipe import Phase, Recipe, parse, read, shipped

PHASE = {"side": 64, "steps": 100, "batch": 8, "rate": 1e-3, "losses": {"mae": 1.0}}


def recipe(**changes):
    return parse({"phases": [PHASE], **changes})


def phase(**changes):
    return parse({"phases": [{**PHASE, **changes}]}).phases[0]


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_recipes_are_whole_under_name_and_path(name):
    assert read(name) == read(shipped()[name])
    assert read(name).steps > 0


def test_there_is_a_recipe():
    assert "natural" in shipped()


def test_a_recipe_survives_its_own_json():
    one = recipe(
        seed=3,
        options={"filters": [4, 8]},
        facemasks={"cloth": 2, "bare": 0.5},
        critic="patch",
        r1=0.1,
        kl_warmup=40,
        patience=3,
        accumulate=4,
    )
    assert parse(json.loads(json.dumps(one.as_json()))) == one


def test_options_stay_until_a_phase_gives_others():
    larger = {**PHASE, "options": {"blocks": 2}}
    one = parse({"phases": [PHASE, larger, PHASE], "options": {"blocks": 1}})
    assert [one.options_in(phase)["blocks"] for phase in range(3)] == [1, 2, 2]
    assert parse(json.loads(json.dumps(one.as_json()))) == one


def test_a_file_is_read(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"phases": [PHASE, {**PHASE, "steps": 50}], "ema": 0.5}))
    found = read(path)
    assert found.ema == 0.5
    assert found.steps == 150


BAD_PHASES = [
    *(("side", bad) for bad in (0, -1, 64.0, "64", True, None)),
    *(("steps", bad) for bad in (0, 1.5, "many")),
    *(("batch", bad) for bad in (0, "8")),
    *(("rate", bad) for bad in (0, -1e-3, math.nan, math.inf, "fast", None)),
    *(("rate_end", bad) for bad in (-1e-3, math.nan, "low")),
    *(("warmup", bad) for bad in (-1, 101, 0.5)),
    *(("adversarial", bad) for bad in (-0.1, math.nan, math.inf, "yes", True)),
    *(("critic_rate", bad) for bad in (0, -1, math.nan)),
    *(("options", bad) for bad in (3, "large", [1])),
    *(("losses", bad) for bad in ("mae", ["mae"], None)),
]


@pytest.mark.parametrize(("key", "value"), BAD_PHASES)
def test_a_bad_value_of_a_phase_is_named(key, value):
    with pytest.raises(ConfigurationError, match=f"'{key}' is"):
        phase(**{key: value})


BAD_RECIPES = [
    *(("net", bad) for bad in (3, None, ["face_filler"])),
    *(("options", bad) for bad in ([8], "big")),
    *(("seed", bad) for bad in (-1, 0.5, "x")),
    *(("ema", bad) for bad in (1, -0.1, 1.5, math.nan, "slow")),
    *(("weight_decay", bad) for bad in (-1, math.inf)),
    *(("wobble", bad) for bad in (-0.01, 0.3, math.nan)),
    *(
        (key, bad)
        for key in ("echo", "chunk", "validate_every", "validation")
        for bad in (0, -1, 2.5, "2")
    ),
    *(("facemasks", bad) for bad in (["cloth"], {"cloth": 0})),
    *(("critic", bad) for bad in (3, None, ["patch"])),
    *(("r1", bad) for bad in (-1, math.nan, "some", True)),
    *((key, bad) for key in ("kl_warmup", "patience") for bad in (-1, 0.5, "x", True)),
    *(("accumulate", bad) for bad in (0, -1, 1.5, "2", True)),
]


@pytest.mark.parametrize(("key", "value"), BAD_RECIPES)
def test_a_bad_value_of_a_recipe_is_named(key, value):
    with pytest.raises(ConfigurationError, match=f"'{key}' is"):
        recipe(**{key: value})


@pytest.mark.parametrize("weight", [-1, math.nan, "much", None])
def test_a_bad_weight_is_named(weight):
    with pytest.raises(ConfigurationError, match=r"'losses\.mae' is"):
        phase(losses={"mae": weight})
    with pytest.raises(ConfigurationError, match=r"'facemasks\.cloth' is"):
        recipe(facemasks={"cloth": weight})


def test_unknown_names_and_keys_come_with_the_nearest():
    for change, near in (
        ({"net": "facefiller"}, "face_filler"),
        ({"critic": "path"}, "patch"),
        ({"critic": "Projected"}, "projected"),
        ({"acumulate": 2}, "accumulate"),
        ({"phases": [{**PHASE, "losses": {"mae": 1.0, "k": 1.0}}]}, "kl"),
        ({"facemasks": {"surgicle": 1}}, "surgical"),
        ({"sed": 1}, "seed"),
        ({"phases": [{**PHASE, "losses": {"hole_l2": 1.0}}]}, "hole_l1"),
        ({"phases": [{**PHASE, "step": 1}]}, "steps"),
    ):
        with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
            recipe(**change)


def test_r1_is_for_the_critic_that_looks_at_pixels():
    assert recipe(critic="patch", r1=10).r1 == 10
    assert recipe(r1=0).r1 == 0
    for changes in ({}, {"critic": "projected"}):
        with pytest.raises(ConfigurationError, match="'r1' is 10: give 0, or choose .*'patch'"):
            recipe(r1=10, **changes)


def test_a_critic_lowers_the_score_that_would_stop_the_run():
    two = [PHASE, {**PHASE, "adversarial": 0.1}]
    assert parse({"phases": two}).patience == 0
    with pytest.raises(ConfigurationError, match="'patience' is 2: give 0.*critic"):
        parse({"phases": two, "patience": 2})


def test_a_batch_is_split_into_no_more_parts_than_it_has_pairs():
    two = [{**PHASE, "batch": 12}, {**PHASE, "batch": 8}]
    assert parse({"phases": two, "accumulate": 8}).accumulate == 8
    with pytest.raises(ConfigurationError, match="'accumulate' is 9: give at most .* 8"):
        parse({"phases": two, "accumulate": 9})


def test_a_net_cannot_learn_from_its_own_terms_alone():
    assert phase(losses={"mae": 1.0, "kl": 0.1, "coarse": 1.0}).losses["kl"] == 0.1
    with pytest.raises(ConfigurationError, match="'losses' is .*: give one that compares"):
        phase(losses={"kl": 0.1, "coarse": 1.0})


def test_a_recipe_written_before_there_was_a_choice_of_critics_means_the_same():
    one = recipe()
    new = ("critic", "r1", "kl_warmup", "patience", "accumulate")
    assert [getattr(one, name) for name in new] == ["projected", 0, 0, 0, 1]
    old = {name: value for name, value in one.as_json().items() if name not in new}
    assert parse(json.loads(json.dumps(old))).as_json() == one.as_json()


@pytest.mark.parametrize("facts", [{}, {"phases": None}, {"phases": {}}, {"phases": "all"}])
def test_a_recipe_needs_phases(facts):
    with pytest.raises(ConfigurationError, match="phases"):
        parse(facts)


def test_a_recipe_needs_a_phase_and_a_phase_needs_a_loss():
    with pytest.raises(ConfigurationError, match="'phases' is"):
        parse({"phases": []})
    with pytest.raises(ConfigurationError, match="phase must be a JSON object, got 3"):
        parse({"phases": [3]})
    with pytest.raises(ConfigurationError, match="no term"):
        phase(losses={})


@pytest.mark.parametrize("key", sorted(PHASE))
def test_a_missing_key_is_named(key):
    left = {name: value for name, value in PHASE.items() if name != key}
    with pytest.raises(ConfigurationError, match=f"incomplete: .*'{key}'"):
        parse({"phases": [left]})


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"x"'])
def test_a_file_that_is_no_recipe(tmp_path, text):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"r\.json"):
        read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="no recipe at .*shipped one"):
        read(tmp_path / "r.json")
    with pytest.raises(ConfigurationError, match="not JSON"):
        read(tmp_path)


def test_rates():
    flat = Phase(64, 100, 8, 1e-3, {"mae": 1.0})
    assert {flat.rate_at(step) for step in range(100)} == {1e-3}
    falling = Phase(64, 100, 8, 1e-3, {"mae": 1.0}, rate_end=2e-4, warmup=20)
    assert falling.rate_at(0) == pytest.approx(5e-5)
    assert falling.rate_at(9) == pytest.approx(5e-4)
    assert falling.rate_at(19) == pytest.approx(1e-3)
    assert falling.rate_at(20) == pytest.approx(1e-3)
    assert falling.rate_at(60) == pytest.approx(6e-4)
    assert falling.rate_at(100) == pytest.approx(2e-4)
    rates = [falling.rate_at(step) for step in range(20, 100)]
    assert rates == sorted(rates, reverse=True)
    only_warmup = Phase(64, 10, 8, 1e-3, {"mae": 1.0}, warmup=10)
    assert only_warmup.rate_at(9) == pytest.approx(1e-3)


def test_where_a_step_lies():
    two = Recipe((Phase(64, 3, 8, 1e-3, {"mae": 1.0}), Phase(96, 2, 8, 1e-3, {"mae": 1.0})))
    assert [two.at(step) for step in range(5)] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    with pytest.raises(ValueError, match="ends"):
        two.at(5)
