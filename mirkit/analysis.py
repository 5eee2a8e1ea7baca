"""All tasks of one recording in one call: decoded once, features made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mirkit import checks
from mirkit.annotation import Analysis, Annotation
from mirkit.audio.sources import Source
from mirkit.errors import ParameterError
from mirkit.features import FeatureCache
from mirkit.recording import Recording
from mirkit.system import load
from mirkit.tasks import ANALYZED, TASKS, with_needs


def analyze(
    x: Source,
    *,
    tasks: Sequence[str] | None = None,
    models: Mapping[str, str] | None = None,
    cache: FeatureCache | None = None,
    offset: float = 0.0,
    duration: float | None = None,
) -> Analysis:
    """Find beats, chords, key, sections and tags of a recording.

    Every task gives the result of its own verb; but the recording is decoded once, beats serve
    tempo and sections too, and features that several models read are computed once.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`.
    tasks
        Names of tasks, see `mirkit.tasks.TASKS`; None for those of `mirkit.tasks.ANALYZED`.
    models
        Names of models by task, such as ``{"tags": "cnn14"}``; the default for the others.
    cache
        A place for features, to share them with later calls; None keeps them for this call.
    offset, duration
        Where to start, and how much to read at most [s]; None reads to the end. Times count from
        the start of the recording.

    Returns
    -------
    Analysis
        The annotations by task, the track with the metadata of its file, and its duration.

    Raises
    ------
    AudioError
        Where the recording is missing, empty, damaged or holds samples that are not finite.
    UnknownName
        Where there is no such task or model.
    ParameterError
        Where there are no tasks, or a model is for another task.

    Examples
    --------
    >>> import numpy as np
    >>> found = analyze((np.zeros(22050), 22050), tasks=("beats", "key"))
    >>> list(found), len(found["beats"]), found["key"].label, found.duration
    (['beats', 'key'], 0, None, 1.0)
    """
    wanted = ANALYZED if tasks is None else checks.texts("tasks", tasks)
    if models is not None:
        checks.instance("models", models, Mapping, "names of models by task")
    if cache is not None:
        checks.instance("cache", cache, FeatureCache, "a FeatureCache, or None")
    models = models or {}
    for name in (*wanted, *models):
        checks.member("task", name, TASKS)
    if not wanted:
        raise ParameterError("tasks are empty; leave them out for all")
    recording = Recording.of(x, cache, offset, duration).shared()
    found: dict[str, Annotation] = {}
    for name in with_needs(wanted):
        needed = {need: found[need] for need in TASKS[name].needs}
        found[name] = load(models.get(name), task=name)(recording, **needed)
    annotations = {name: found[name] for name in wanted}
    return Analysis(annotations, recording.described, recording.whole_duration)
