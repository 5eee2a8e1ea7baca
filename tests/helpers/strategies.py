"""Any annotation, for tests that must hold for all of them."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from mirkit.activations import Provenance
from mirkit.annotation import (
    Analysis,
    Beats,
    Caption,
    Embedding,
    Events,
    Key,
    Segments,
    Tags,
    Tempo,
    TempoHypothesis,
    TempoMap,
)
from mirkit.frames import FrameGrid
from mirkit.vocab import MODES, TONICS

UNIT = st.floats(0, 1)
BPM = st.floats(4, 400)
GAP = st.floats(1e-3, 15)
NOTES = st.sampled_from([2, 4, 8, 16])
KEYS = st.sampled_from([f"{tonic} {mode}" for tonic in TONICS for mode in MODES])
CHORDS = st.sampled_from(["N", "X", "C:maj", "A:min7", "F#:maj/3", "Bb:sus4(b7)", "Eb", "D:hdim7"])
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)
LABELS = st.lists(WORDS, min_size=1, max_size=3).map(" ".join).filter(lambda x: x[0] != "#")
MODELS = st.builds(
    Provenance, WORDS, st.one_of(st.none(), WORDS), st.one_of(st.none(), st.just("ab" * 32))
)
PROVENANCE = st.one_of(st.none(), MODELS)


@st.composite
def times(draw, min_size=0):
    gaps = draw(st.lists(GAP, min_size=min_size, max_size=12))
    return draw(st.floats(0, 20)) + np.cumsum([0.0, *gaps])[: len(gaps)]


@st.composite
def positions(draw, n):
    """Whole bars of changing length, entered and left anywhere; or none."""
    if not n or draw(st.booleans()):
        return None
    first, rest = draw(st.integers(2, 7)), draw(st.lists(st.integers(1, 7), min_size=n, max_size=n))
    counts = [*range(1, first + 1)]
    counts = [*counts[draw(st.integers(0, first - 1)) :], *counts]
    counts += [position for bar in rest for position in range(1, bar + 1)]
    return None if 1 not in counts[:n] else np.array(counts[:n])


@st.composite
def optional(draw, elements, n):
    return (
        np.array(draw(st.lists(elements, min_size=n, max_size=n)))
        if draw(st.booleans()) and n
        else None
    )


@st.composite
def hypotheses(draw):
    t = draw(times())
    return TempoHypothesis(
        draw(BPM), draw(UNIT), t, draw(positions(len(t))), draw(optional(UNIT, len(t))),
        draw(st.one_of(st.none(), UNIT)), draw(st.one_of(st.none(), UNIT)),
    )  # fmt: skip


@st.composite
def beats(draw):
    t = draw(times())
    levels = tuple(draw(st.lists(hypotheses(), max_size=3)))
    level = draw(st.sampled_from([None, *range(len(levels))]))
    return Beats(
        t, draw(positions(len(t))), draw(optional(UNIT, len(t))), levels, level, draw(PROVENANCE),
        draw(optional(NOTES, len(t))),
    )  # fmt: skip


@st.composite
def tempi(draw):
    levels = draw(st.lists(st.tuples(BPM, UNIT), max_size=3))
    return Tempo(
        draw(st.one_of(st.none(), BPM)), draw(st.one_of(st.none(), UNIT)), levels, draw(PROVENANCE),
        draw(st.one_of(st.none(), st.integers(1, 12))), draw(st.one_of(st.none(), UNIT)),
    )  # fmt: skip


@st.composite
def tempo_maps(draw):
    t = draw(times())
    n = len(t)
    bpms = np.array(draw(st.lists(BPM, min_size=n, max_size=n)))
    meters = draw(optional(st.integers(1, 12), n))
    notes = None if meters is None else draw(optional(NOTES, n))
    return TempoMap(t, bpms, meters, draw(PROVENANCE), notes)


@st.composite
def segments(draw, kinds=("chord", "key", "section", "segment")):
    kind = draw(st.sampled_from(kinds))
    ends = draw(times(min_size=2))
    n = len(ends) // 2
    labels = draw(
        st.lists({"chord": CHORDS, "key": KEYS}.get(kind, LABELS), min_size=n, max_size=n)
    )
    intervals = ends[: 2 * n].reshape(-1, 2)
    return Segments(intervals, tuple(labels), draw(optional(UNIT, n)), kind, draw(PROVENANCE))


@st.composite
def events(draw):
    kind = draw(st.sampled_from(["event", "onset", "note"]))
    starts = draw(times())
    n = len(starts)
    lengths = np.array(draw(st.lists(st.floats(0, 30), min_size=n, max_size=n)))
    ends = starts if kind == "onset" else starts + lengths
    notes = st.integers(0, 127).map(str)
    labels = draw(st.lists(notes if kind == "note" else LABELS, min_size=n, max_size=n))
    intervals = np.stack([starts, ends], axis=1)
    more = {}
    if kind == "note":
        more["pitches"] = draw(optional(st.floats(0, 127), n))
        more["velocities"] = draw(optional(st.integers(1, 127), n))
    sure = draw(optional(UNIT, n))
    return Events(intervals, tuple(labels), sure, kind, draw(PROVENANCE), **more)


@st.composite
def tags(draw):
    pairs = draw(st.lists(st.tuples(LABELS, UNIT), max_size=5))
    return Tags(
        tuple(label for label, _ in pairs), np.array([x for _, x in pairs]), draw(PROVENANCE)
    )


@st.composite
def embeddings(draw):
    n_dimensions = draw(st.integers(1, 4))
    grid = draw(
        st.one_of(
            st.none(),
            st.builds(
                FrameGrid,
                st.fractions(Fraction(1, 10), 1000, max_denominator=44100),
                st.floats(-1, 1),
            ),
        )
    )
    n_frames = 1 if grid is None else draw(st.integers(0, 4))
    numbers = st.floats(-1e6, 1e6, width=32)
    row = st.lists(numbers, min_size=n_dimensions, max_size=n_dimensions)
    values = np.array(draw(st.lists(row, min_size=n_frames, max_size=n_frames)), np.float32)
    return Embedding(values.reshape(n_frames, n_dimensions), grid, draw(PROVENANCE))


ANNOTATIONS = {
    Beats: beats(),
    Tempo: tempi(),
    TempoMap: tempo_maps(),
    Segments: segments(),
    Events: events(),
    Tags: tags(),
    Key: st.builds(
        Key,
        st.one_of(st.none(), KEYS),
        st.one_of(st.none(), UNIT),
        PROVENANCE,
        st.one_of(st.none(), segments(kinds=("key",))),
        st.one_of(st.none(), st.floats(-100, 100)),
    ),
    Caption: st.builds(Caption, LABELS, st.one_of(st.none(), UNIT), PROVENANCE),
    Embedding: embeddings(),
}
ANNOTATIONS[Analysis] = st.builds(
    Analysis,
    st.dictionaries(WORDS, st.one_of(*ANNOTATIONS.values()), max_size=4),
    duration=st.one_of(st.none(), st.floats(1, 1000)),
)
