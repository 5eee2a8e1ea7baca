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


@pytest.mark.parametrize("task", EXCLUSIVE)
def test_the_prior_of_music_names_every_class_once(task):
    shares = music_prior(task)
    assert tuple(shares) == EXCLUSIVE[task]
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)


def test_the_prior_of_music_knows_the_labels_of_the_default_tagger():
    known = registry.card("tag-mn")
    assert set(music_prior("tags")) == set(known.config["labels"]) == set(known.prior)


def test_flat_changes_nothing_and_music_is_the_table():
    assert expected_shares("chords", "flat") is None
    assert set(share_ratios("chords", "flat", {}).values()) == {1.0}
    assert expected_shares("key", "music") == music_prior("key")


def test_classes_that_are_not_named_share_the_rest_as_in_music():
    music = music_prior("chords")
    shares = expected_shares("chords", {"7": 0.5, "maj": 0.2})
    assert (shares["7"], shares["maj"]) == (0.5, 0.2)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["min"] / shares["N"] == pytest.approx(music["min"] / music["N"])
    tags = expected_shares("tags", {"Dog": 0.3})
    assert tags["Dog"] == 0.3
    assert tags["Rain"] == music_prior("tags")["Rain"]


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_the_ratio_of_a_smaller_vocabulary_is_that_of_the_sums(vocabulary):
    learned = {name: (i + 1) / 120 for i, name in enumerate(EXCLUSIVE["chords"])}
    ratios = share_ratios("chords", "music", learned, vocabulary)
    new = music_prior("chords")
    for kept in VOCABULARIES[vocabulary]:
        own = [name for name in CHORD_QUALITIES if reduced_quality(name, vocabulary) == kept]
        expected = sum(new[name] for name in own) / sum(learned[name] for name in own)
        assert ratios[kept] == pytest.approx(expected)
    assert ratios["N"] == pytest.approx(new["N"] / learned["N"])


def test_a_model_that_does_not_say_what_it_learned_learned_all_alike():
    assert share_ratios("key", {"minor": 0.8}, {}) == pytest.approx({"major": 0.4, "minor": 1.6})


@pytest.mark.parametrize(
    ("task", "prior", "error", "message"),
    [
        ("key", "musik", UnknownName, "Did you mean 'music'"),
        ("key", {"dorian": 0.2}, UnknownName, "class of key 'dorian'"),
        ("chords", {"major": 0.2}, UnknownName, "class of chords 'major'"),
        ("key", {"minor": 80}, ParameterError, "percentage"),
        ("key", {"minor": 1.0}, ParameterError, "between 0 and 1"),
        ("key", {"minor": True}, ParameterError, "between 0 and 1"),
        ("key", {"minor": "0.8"}, ParameterError, "between 0 and 1"),
        ("key", {"minor": 0.8, "major": 0.7}, ParameterError, "are 1.5 together"),
        ("chords", {"maj": 0.7, "min": 0.3}, ParameterError, "dim"),
        ("key", 0.8, ParameterError, "'music', 'flat', or shares"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(task, prior, error, message):
    with pytest.raises(error, match=message):
        expected_shares(task, prior)


def test_shares_that_name_all_classes_may_have_the_sum_of_one():
    assert expected_shares("key", {"minor": 0.8, "major": 0.2}) == {"major": 0.2, "minor": 0.8}


def table(**changes):
    tables = {
        "chords": dict.fromkeys(EXCLUSIVE["chords"], 1 / 15),
        "key": {"major": 0.4, "minor": 0.6},
        "tags": {"Dog": 0.1, "Violin, fiddle": 0.2},
    }
    for task, change in changes.items():
        tables[task] = {name: x for name, x in {**tables[task], **change}.items() if x is not None}
    return "".join(
        f"[{task}]\n" + "".join(f'"{name}" = {x}\n' for name, x in shares.items())
        for task, shares in tables.items()
    )


def test_a_table_of_priors_is_read():
    assert read_priors(table())["tags"] == {"Dog": 0.1, "Violin, fiddle": 0.2}


WRONG = {
    table(key={"dorian": 0.1}): r"\[key\]: unknown class 'dorian'",
    table(key={"minor": None}): r"\[key\] has no 'minor'",
    table(key={"minor": 0.5}): r"shares of sum 0\.9",
    table(chords={"maj": 60}): r"'maj' the share 60",
    table(chords={"maj": "'many'"}): r"'maj' the share 'many'",
    table().replace("[key]", "[keys]"): r"\[key\] is missing",
    table() + "[beats]\n": r"\[beats\] is unknown",
    "chords = 3\n" + table().split("\n", 1)[0] + "x": "is not TOML",
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
