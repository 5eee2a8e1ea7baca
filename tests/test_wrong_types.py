"""What a user may pass by mistake: every public function answers in words."""

import inspect
import warnings

import numpy as np
import published
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mirkit
from mirkit.cli import main

RECORDING = (np.zeros(800), 8000)
BEATS = mirkit.Beats([1.0, 2.0])
MEMBERS = {name: getattr(mirkit, name) for name in dir(mirkit) if name[0].islower()}
FUNCTIONS = {name: x for name, x in MEMBERS.items() if inspect.isfunction(x)}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
GIVEN = {"x": RECORDING, "annotation": BEATS, "reference": BEATS, "estimate": BEATS,
         "task": "beats", "path": "x.beats", "name": "tempogram", "format": "rekordbox",
         "tracks": [], "manifest": [], "question": "Which key is this in?"}  # fmt: skip
"""What is right, for parameters that have no default."""

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(), st.complex_numbers(),
    st.text(max_size=4), st.binary(max_size=4), st.just(np.float32(2)), st.just("beats"),
)  # fmt: skip
ODD = st.sampled_from(
    [
        object(),
        int,
        mirkit,
        len,
        np.zeros(3),
        np.zeros((2, 2, 2)),
        np.array(["a"]),
        RECORDING,
        (np.zeros(9), "x"),
        (np.zeros(9), None),
        (np.zeros(9), 0),
        (np.zeros((0, 2)), 8000),
        (np.zeros(9, complex), 8000),
        (np.array([object()]), 8000),
        range(3),
        BEATS,
        mirkit.Tags(("a",), [0.5]),
        Ellipsis,
        np.datetime64("2026-11-29"),
    ]
)
WRONG = st.one_of(
    SCALARS, ODD, st.lists(SCALARS | ODD, max_size=3), st.sets(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), SCALARS, max_size=2), st.tuples(SCALARS, SCALARS),
)  # fmt: skip


def parameters_of(function):
    known = inspect.signature(function).parameters
    own = [name for name, x in known.items() if x.kind in NAMED]
    hidden = inspect.signature(mirkit.beats).parameters if "settings" in known else ()
    return [*own, *(hidden if function is mirkit.tempo else ())]


def required_of(function):
    known = inspect.signature(function).parameters.items()
    return [name for name, x in known if x.default is x.empty and x.kind in NAMED]


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    published.weights("basic-pitch")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))  # some write what they are given
        yield


def error_of(function, given):
    """Return what a call raises, or None."""
    try:
        function(**given)
    except Exception as error:  # noqa: BLE001  # what it may be is asked by the test
        return error
    return None


def is_in_words(error):
    """Whether an error is ours, or says which argument is missing or unknown."""
    if isinstance(error, mirkit.MirkitError):
        return len(str(error).split()) > 2
    return isinstance(error, TypeError) and "argument" in str(error)


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_wrong_types_are_answered_in_words(name, data):
    function = FUNCTIONS[name]
    wrong = data.draw(st.sampled_from(parameters_of(function)))
    given = {each: GIVEN[each] for each in required_of(function)}
    if name == "save":
        given["x"] = BEATS
    given[wrong] = data.draw(WRONG)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = error_of(function, given)
    assert error is None or is_in_words(error), f"{name}({wrong}={given[wrong]!r}): {error!r}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_unknown_arguments_are_named(name):
    given = {each: GIVEN[each] for each in required_of(FUNCTIONS[name])}
    given |= {"name": "tempogram"} if name == "load" else {}
    with pytest.raises((TypeError, mirkit.MirkitError), match="surprise"):
        FUNCTIONS[name](**given, surprise=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["render", "missing.csv", "-o", "out"], "missing.csv does not exist"),
        (["decode", "beats", "a.npy"], "is a .npy file"),
        (["decode", "beats", "missing.npz"], "missing.npz does not exist"),
    ],
)  # fmt: skip
def test_commands_answer_in_words(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.zeros(9))
    assert main(words) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert "internal error" not in shown


def test_what_failed_is_told_or_taken(tmp_path):
    with pytest.raises(mirkit.ParameterError, match=r"hint_bpm is '120', a text"):
        mirkit.beats(RECORDING, hint_bpm="120")
    clicks = np.zeros(22050 * 8, np.float32)
    clicks[:: 22050 // 2] = 0.9
    assert mirkit.beats((clicks, 22050), meter="4/4") == mirkit.beats((clicks, 22050), meter=4)
    with pytest.raises(mirkit.ParameterError, match=r"shape \(0, 2\)"):
        mirkit.beats((np.zeros((0, 2)), 22050))
    with pytest.raises(mirkit.MirkitError, match=r"the folder .* is not there"):
        mirkit.save(BEATS, tmp_path / "missing" / "x.beats")
