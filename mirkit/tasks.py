"""The table of tasks: a row for each thing that mirkit finds in a recording.

The name of a task is the verb, the command, the key of `mirkit.Analysis`, of JSON, of cards, of
benchmarks and of recipes; commands write "-" for "_". Code that lists tasks iterates the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

SCHEMA = 2
"""Version of the JSON objects of annotations and commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task.

    Parameters
    ----------
    name
        Name of the task and of its verb.
    home
        Module of the room that holds the verb; its ``decoder.py`` holds the decoders.
    value
        Class of the result, in `mirkit.annotation`.
    summary
        Help line.
    model
        Name of the default model; None for a task that reads the result of another alone.
    models_of
        Another task whose models serve this one too, or None.
    also_models_of
        Further tasks whose models serve this one too.
    needs
        Tasks that come first: their results are handed to the decoder.
    decoder
        Name of the function in ``decoder.py`` that makes the decoder of the task.
    analyzed
        Whether `mirkit.analyze` finds it without being asked.
    expects
        Kind of the classes whose prior its decoder takes, see `mirkit.vocab.priors`, or None.
    """

    name: str
    home: str
    value: str
    summary: str
    model: str | None = None
    models_of: str | None = None
    also_models_of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    decoder: str = "decoder"
    analyzed: bool = True
    expects: str | None = None

    @property
    def command(self) -> str:
        """Name on the command line."""
        return self.name.replace("_", "-")

    def is_served_by(self, task: str) -> bool:
        """Return whether a model of the task named `task` serves this one."""
        return task in (self.name, self.models_of, *self.also_models_of)


_ROWS = (
    Task(
        name="beats",
        home="mirkit.music.beat",
        value="Beats",
        summary="beats, downbeats and tempo of recordings",
        model="beat-tcn",
    ),
    Task(
        name="tempo",
        home="mirkit.music.beat",
        value="Tempo",
        summary="the tempo of recordings, with the other likely levels",
        models_of="beats",
        needs=("beats",),
        decoder="tempo_of",
    ),
    Task(
        name="chords",
        home="mirkit.music.chord",
        value="Segments",
        summary="chords of recordings",
        model="chord-crnn",
        expects="quality",
    ),
    Task(
        name="key",
        home="mirkit.music.key",
        value="Key",
        summary="the key of recordings, and where it changes",
        model="key-crnn",
        expects="mode",
    ),
    Task(
        name="sections",
        home="mirkit.music.section",
        value="Segments",
        summary="where the parts of recordings begin, and which are the same again",
        model="self-similarity",
        needs=("beats",),
    ),
    Task(
        name="notes",
        home="mirkit.music.note",
        value="Events",
        summary="notes of recordings, transcribed",
        model="basic-pitch",
        analyzed=False,
    ),
    Task(
        name="tags",
        home="mirkit.sound.tag",
        value="Tags",
        summary="tags of recordings: instruments, genres, sounds",
        model="tag-mn",
        expects="label",
    ),
    Task(
        name="events",
        home="mirkit.sound.event",
        value="Events",
        summary="sound events of recordings: what sounds from when to when",
        model="sed-probe",
        models_of="tags",
        analyzed=False,
    ),
    Task(
        name="embed",
        home="mirkit.sound.tag",
        value="Embedding",
        summary="embeddings of recordings, which are near where they sound alike",
        model="tag-mn",
        models_of="tags",
        also_models_of=("zero_shot",),
        decoder="embedding_decoder",
        analyzed=False,
    ),
    Task(
        name="zero_shot",
        home="mirkit.sound.clap",
        value="Tags",
        summary="sentences of your own, by how well they describe recordings",
        model="clap-mini",
        analyzed=False,
    ),
    Task(
        name="caption",
        home="mirkit.sound.caption",
        value="Caption",
        summary="a sentence that describes recordings, made of sounds, tempo and key",
        models_of="zero_shot",
        needs=("zero_shot", "tempo", "key"),
        decoder="caption_of",
        analyzed=False,
    ),
)

TASKS = MappingProxyType({row.name: row for row in _ROWS})
"""The tasks by name, in the order in which they are reported."""

ANALYZED = tuple(row.name for row in _ROWS if row.analyzed)
"""Names of the tasks that `mirkit.analyze` finds without being asked."""


def with_needs(names: tuple[str, ...]) -> Iterator[str]:
    """Yield tasks in an order in which each comes after those that it needs.

    Examples
    --------
    >>> list(with_needs(("tempo", "key")))
    ['beats', 'tempo', 'key']
    """
    seen: set[str] = set()
    for name in names:
        for each in (*with_needs(TASKS[name].needs), name):
            if each not in seen:
                seen.add(each)
                yield each
