import pytest

from mirkit.errors import FormatError, MirkitError, ParameterError, UnknownName
from mirkit.vocab import CHORD_QUALITIES, VOCABULARIES
from mirkit.vocab.chord_classes import reduced_quality
from mirkit.vocab.priors import (
    EXCLUSIVE,
    expected_shares,
    music_prior,
    parse_prior,
    read_priors,
    share_ratios,
)
from mirkit.zoo import registry


@pytest.mark.parametrize("kind", EXCLUSIVE)
def test_the_prior_of_music_names_every_class_once(kind):
    shares = music_prior(kind)
    assert tuple(shares) == EXCLUSIVE[kind]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_the_prior_of_music_knows_the_labels_of_the_default_tagger():
    known = registry.card("tag-mn")
    assert set(music_prior("label")) == set(known.config["labels"]) == set(known.prior)


def test_flat_changes_nothing_and_music_is_the_table():
    assert expected_shares("quality", "flat") is None
    assert set(share_ratios("quality", "flat", {}).values()) == {1.0}
    assert expected_shares("mode", "music") == music_prior("mode")


def test_classes_that_are_not_named_share_the_rest_as_in_music():
    music = music_prior("quality")
    shares = expected_shares("quality", {"7": 0.5, "maj": 0.2})
    assert (shares["7"], shares["maj"]) == (0.5, 0.2)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["min"] / shares["N"] == pytest.approx(music["min"] / music["N"])
    tags = expected_shares("label", {"Dog": 0.3})
    assert tags["Dog"] == 0.3
    assert tags["Rain"] == music_prior("label")["Rain"]


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_the_ratio_of_a_smaller_vocabulary_is_that_of_the_sums(vocabulary):
    learned = {name: (i + 1) / 120 for i, name in enumerate(EXCLUSIVE["quality"])}
    ratios = share_ratios("quality", "music", learned, vocabulary)
    new = music_prior("quality")
    for kept in VOCABULARIES[vocabulary]:
        own = [name for name in CHORD_QUALITIES if reduced_quality(name, vocabulary) == kept]
        expected = sum(new[name] for name in own) / sum(learned[name] for name in own)
        assert ratios[kept] == pytest.approx(expected)
    assert ratios["N"] == pytest.approx(new["N"] / learned["N"])


def test_a_model_that_does_not_say_what_it_learned_learned_all_alike():
    assert share_ratios("mode", {"minor": 0.8}, {}) == pytest.approx({"major": 0.4, "minor": 1.6})


@pytest.mark.parametrize(
    ("kind", "prior", "error", "message"),
    [
        ("mode", "musik", UnknownName, "Did you mean 'music'"),
        ("mode", {"dorian": 0.2}, UnknownName, "unknown mode 'dorian'"),
        ("quality", {"major": 0.2}, UnknownName, "unknown quality 'major'"),
        ("mode", {"minor": 80}, ParameterError, "percentage"),
        ("mode", {"minor": 1.0}, ParameterError, "between 0 and 1"),
        ("mode", {"minor": True}, ParameterError, "between 0 and 1"),
        ("mode", {"minor": "0.8"}, ParameterError, "between 0 and 1"),
        ("mode", {"minor": 0.8, "major": 0.7}, ParameterError, "are 1.5 together"),
        ("quality", {"maj": 0.7, "min": 0.3}, ParameterError, "dim"),
        ("mode", 0.8, ParameterError, "'music', 'flat', or shares"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(kind, prior, error, message):
    with pytest.raises(error, match=message):
        expected_shares(kind, prior)


def test_shares_that_name_all_classes_may_have_the_sum_of_one():
    assert expected_shares("mode", {"minor": 0.8, "major": 0.2}) == {"major": 0.2, "minor": 0.8}


def table(**changes):
    tables = {
        "quality": dict.fromkeys(EXCLUSIVE["quality"], 1 / 15),
        "mode": {"major": 0.4, "minor": 0.6},
        "label": {"Dog": 0.1, "Violin, fiddle": 0.2},
    }
    for kind, change in changes.items():
        tables[kind] = {name: x for name, x in {**tables[kind], **change}.items() if x is not None}
    return "".join(
        f"[{kind}]\n" + "".join(f'"{name}" = {x}\n' for name, x in shares.items())
        for kind, shares in tables.items()
    )


def test_a_table_of_priors_is_read():
    assert read_priors(table())["label"] == {"Dog": 0.1, "Violin, fiddle": 0.2}


WRONG = {
    table(mode={"dorian": 0.1}): r"\[mode\]: unknown class 'dorian'",
    table(mode={"minor": None}): r"\[mode\] has no 'minor'",
    table(mode={"minor": 0.5}): r"shares of sum 0\.9",
    table(quality={"maj": 60}): r"'maj' the share 60",
    table(quality={"maj": "'many'"}): r"'maj' the share 'many'",
    table().replace("[mode]", "[modes]"): r"\[mode\] is missing",
    table() + "[beats]\n": r"\[beats\] is unknown",
    "quality = 3\n" + table().split("\n", 1)[0] + "x": "is not TOML",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_in_a_table_is_refused_by_name(text):
    with pytest.raises(FormatError, match=WRONG[text]) as error:
        read_priors(text, "priors.toml")
    assert "priors.toml" in str(error.value)


@pytest.mark.parametrize(
    ("text", "prior"),
    [
        ("music", "music"),
        ("flat", "flat"),
        ("minor=.8,major=.2", {"minor": 0.8, "major": 0.2}),
        ("Violin, fiddle=.3,Dog=.1", {"Violin, fiddle": 0.3, "Dog": 0.1}),
    ],
)
def test_a_prior_of_the_command_line_is_parsed(text, prior):
    assert parse_prior(text) == prior


@pytest.mark.parametrize("text", ["", "pop", "minor", "minor=many", "minor=.8;"])
def test_what_is_no_prior_is_no_prior_on_the_command_line(text):
    with pytest.raises(MirkitError, match="is no prior"):
        parse_prior(text)
