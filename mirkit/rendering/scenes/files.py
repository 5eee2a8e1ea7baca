"""Scenes as files: plans as JSON lines, sounds as FLAC, labels as JAMS and DCASE tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from mirkit.annotation import Events
from mirkit.batch import Failure, run_batch
from mirkit.errors import FormatError, ParameterError
from mirkit.formats import dcase, read, save
from mirkit.rendering.scenes.mix import SAMPLE_RATE, SoundReader, mix_scene
from mirkit.rendering.scenes.plan import SceneEvent, SceneSpec

STRONG, WEAK, DURATIONS = "strong.tsv", "weak.tsv", "durations.tsv"


def write_scenes(specs: Iterable[SceneSpec], path: str | Path) -> None:
    """Write specifications, one JSON object a line."""
    lines = (json.dumps(_compact(spec), ensure_ascii=False) + "\n" for spec in specs)
    Path(path).write_text("".join(lines), encoding="utf-8")


def read_scenes(path: str | Path) -> tuple[SceneSpec, ...]:
    """Return the specifications that `write_scenes` wrote.

    Raises
    ------
    FormatError
        Where a line is no specification.
    """
    lines = Path(path).read_text("utf-8").splitlines()
    return tuple(_spec(line, f"{path}, line {i}") for i, line in enumerate(lines, 1))


def _compact(spec: SceneSpec) -> dict[str, object]:
    defaults = asdict(SceneEvent("", (), 0.0, 0.0))
    row = asdict(spec)
    row["events"] = [
        {key: value for key, value in each.items() if value != defaults[key] or key == "start"}
        for each in row["events"]
    ]
    return row


def _spec(line: str, where: str) -> SceneSpec:
    try:
        row = json.loads(line)
        events = tuple(
            SceneEvent(**{**each, "labels": tuple(each["labels"])}) for each in row["events"]
        )
        labels = tuple(row["background_labels"])
        return SceneSpec(**{**row, "events": events, "background_labels": labels})
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(f"{where} is no scene: {error}") from None


def render_scenes(
    specs: Sequence[SceneSpec], data: str | Path, folder: str | Path, n_jobs: int = 1
) -> list[Path]:
    """Mix scenes into a folder; those that are there already are left alone.

    Beside each ``.flac`` lies a ``.jams`` with its events. The tables ``strong.tsv`` and
    ``weak.tsv`` hold what whoever learns may know of the scenes (DCASE's columns: ``filename``,
    ``onset``, ``offset``, ``event_label``; ``filename``, ``event_labels``), ``durations.tsv``
    their lengths; the sounds are the same whatever the number of jobs.

    Parameters
    ----------
    specs
        The scenes.
    data
        Folder of the data pack.
    folder
        Where to write.
    n_jobs
        Processes.

    Returns
    -------
    list of Path
        The sound files, in the order of `specs`.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    missing = [spec for spec in specs if not (target / f"{spec.scene_id}.jams").is_file()]
    worker = _Renderer(str(data), str(target))
    for outcome, spec in run_batch(worker, missing, n_jobs, "scenes"):
        if isinstance(outcome, Failure):
            raise ParameterError(f"{spec.scene_id} was not mixed: {outcome}")
    _write_tables(specs, target)
    return [target / f"{spec.scene_id}.flac" for spec in specs]


class _Renderer:
    """Mixes a scene and writes its files, in each process."""

    def __init__(self, data: str, folder: str) -> None:
        self.data, self.folder = data, folder

    def __call__(self, spec: SceneSpec) -> None:
        import soundfile

        scene = mix_scene(spec, _reader(self.data))
        path = Path(self.folder) / spec.scene_id
        soundfile.write(path.with_suffix(".flac"), scene.samples, SAMPLE_RATE, subtype="PCM_16")
        save(scene.events, path.with_suffix(".jams"))  # last: it says that the sound is whole


@lru_cache(2)
def _reader(data: str) -> SoundReader:
    return SoundReader(data, n_kept=512)


def _write_tables(specs: Sequence[SceneSpec], folder: Path) -> None:
    events = {f"{spec.scene_id}.flac": _labels_of(folder, spec) for spec in specs}
    known = {f"{spec.scene_id}.flac": spec.supervision for spec in specs}
    strong = {name: each for name, each in events.items() if known[name] == "strong"}
    weak = {name: each.labels for name, each in events.items() if known[name] == "weak"}
    (folder / STRONG).write_text(dcase.dumps_table(strong), encoding="utf-8")
    (folder / WEAK).write_text(dcase.dumps_weak(weak), encoding="utf-8")
    lengths = (f"{spec.scene_id}.flac\t{spec.seconds:g}\n" for spec in specs)
    (folder / DURATIONS).write_text("filename\tduration\n" + "".join(lengths), encoding="utf-8")


def _labels_of(folder: Path, spec: SceneSpec) -> Events:
    events = read(folder / f"{spec.scene_id}.jams")
    assert isinstance(events, Events)
    return events
