"""Render clips: many at once, those already there left alone, each the same from its seed."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.errors import MissingExtra, ParameterError
from mirkit.rendering import effects
from mirkit.rendering.archives import Corpus
from mirkit.rendering.labels import drop_silent_keys, reduce_chords
from mirkit.rendering.mix import PREROLL, SAMPLE_RATE, mix_down, read_ambience
from mirkit.rendering.plan import ClipSpec
from mirkit.rendering.score import Score, crop
from mirkit.rendering.sources import SOURCES


@dataclass(frozen=True)
class Rendered:
    """A finished clip: its specification, samples, and annotation."""

    spec: ClipSpec
    samples: NDArray[np.float32]
    annotation: dict[str, Any]


def perform_clip(spec: ClipSpec, corpus: Corpus) -> Score:
    """Return the music of a clip, cropped to a window of its song in which something is played."""
    rng = np.random.default_rng([spec.seed, 1])
    score = SOURCES[spec.source].play(spec.style, spec.split, spec.seconds, rng, corpus)
    if rng.random() < 0.25:
        opening = _crop_from_silence(score, rng)
        if _liveliness(opening, 0.0, spec.seconds) > MIN_LIVELINESS:
            return opening
    latest = max(score.end - spec.seconds - 1.0, 0.0)
    starts = rng.uniform(0, latest, size=8)
    lively = (s for s in starts if _liveliness(score, s, s + spec.seconds) > MIN_LIVELINESS)
    start = next(lively, max(starts, key=lambda s: _liveliness(score, s, s + spec.seconds)))
    return crop(score, float(start), float(start) + spec.seconds, PREROLL)


MIN_LIVELINESS = 0.4
"""Least share of a clip's beats near which a note begins."""


def _liveliness(score: Score, start: float, end: float) -> float:
    """Return the share of the beats of a window at which, or until the next, a note begins."""
    beats = score.beats[(score.beats >= start) & (score.beats < end)]
    onsets = np.sort(np.concatenate([part.notes[:, 0] for part in score.parts]))
    if len(beats) < 2:
        return 0.0
    counts = np.diff(np.searchsorted(onsets, beats - 0.05))
    return float(np.mean(counts > 0))


def _crop_from_silence(score: Score, rng: np.random.Generator) -> Score:
    """Return the beginning of a song after up to two seconds of silence."""
    return crop(score, -float(rng.uniform(0.0, 2.0)), score.end + 4.0, PREROLL)


def render_clip(spec: ClipSpec, corpus: Corpus) -> Rendered:
    """Render one clip.

    Raises
    ------
    MissingExtra
        Where a program or soundfont is not installed.
    """
    score = perform_clip(spec, corpus)
    score = crop(score, 0.0, spec.seconds, PREROLL)
    rng = np.random.default_rng([spec.seed, 2])
    ambiences = corpus.ambiences()
    plan = effects.draw_plan(rng, tuple(path.stem for path in ambiences))
    mixed, notes = mix_down(score, spec, corpus, rng)
    ambience = (
        read_ambience(next(p for p in ambiences if p.stem == plan.ambience))
        if plan.ambience
        else None
    )
    samples = effects.process(mixed, plan, SAMPLE_RATE, rng, ambience)
    return Rendered(spec, samples, annotate(score, spec, plan, notes))


def annotate(
    score: Score, spec: ClipSpec, plan: effects.SoundPlan, notes: dict[str, Any]
) -> dict[str, Any]:
    """Return the clip's truth as a JSON object (schema 1); times in seconds, to 0.1 ms."""
    known = bool(len(score.positions)) and bool((score.positions > 0).all())
    chords = reduce_chords(score.parts, score.chords, spec.seconds)
    keys = drop_silent_keys(score.keys, chords)
    labeled = (("chord", chords), ("key", keys), ("section", score.sections))
    return {
        "schema": 1,
        **asdict(spec),
        "song": score.origin.song,
        "groove": score.origin.groove,
        "meter": score.meter,
        "bpm": round(score.bpm, 3) if len(score.beats) > 1 else None,
        "beats": [round(float(t), 4) for t in score.beats],
        "positions": score.positions.tolist() if known else None,
        **{f"{kind}s": _round_spans(spans) for kind, spans in labeled},
        "drums": score.has_drums,
        "tuning_cents": notes["cents"],
        "instruments": [
            {"role": p.role, "program": p.program, "n_notes": len(p.notes)} for p in score.parts
        ],
        "effects": list(plan.effects),
        "sound": {key: value for key, value in asdict(plan).items() if key not in ("eq",)} | notes,
    }


def _round_spans(spans: Iterable[tuple[float, float, str]]) -> list[list[Any]]:
    return [[round(start, 4), round(end, 4), label] for start, end, label in spans]


def write(clip: Rendered, out_dir: Path) -> None:
    """Write a clip as ``<clip_id>.flac`` and ``<clip_id>.json``; the latter, last, says done."""
    import soundfile

    partial = out_dir / f".{clip.spec.clip_id}.flac"
    soundfile.write(partial, clip.samples, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
    partial.rename(out_dir / f"{clip.spec.clip_id}.flac")
    partial = out_dir / f".{clip.spec.clip_id}.json"
    partial.write_text(json.dumps(clip.annotation, separators=(",", ":")))
    partial.rename(out_dir / f"{clip.spec.clip_id}.json")


def is_done(spec: ClipSpec, out_dir: Path) -> bool:
    """Return True where a clip's files are there."""
    return (out_dir / f"{spec.clip_id}.json").is_file() and (
        out_dir / f"{spec.clip_id}.flac"
    ).is_file()


def _render_one(spec: ClipSpec, out_dir: Path, corpus: Corpus) -> str:
    write(render_clip(spec, corpus), out_dir)
    return spec.clip_id


def render(
    specs: Sequence[ClipSpec],
    out_dir: str | Path,
    n_jobs: int = 1,
    corpus: Corpus | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, str]:
    """Render clips into a folder; those already there are left alone.

    Parameters
    ----------
    specs
        What `plan` or `read_specs` gave.
    out_dir
        Folder of the clips; made if absent.
    n_jobs
        Number of processes.
    corpus
        Where the source material lies.
    progress
        Called with (number done, number in all, clip) after each clip.

    Returns
    -------
    dict
        The error of each clip that failed, by clip; empty where all went well.

    Raises
    ------
    MissingExtra
        Where FluidSynth, a soundfont or MMA is absent.
    """
    if n_jobs < 1:
        raise ParameterError(f"n_jobs is {n_jobs}; it is at least 1")
    out, corpus = Path(out_dir), corpus or Corpus.default()
    out.mkdir(parents=True, exist_ok=True)
    waiting = [spec for spec in specs if not is_done(spec, out)]
    n_done = len(specs) - len(waiting)
    failed: dict[str, str] = {}
    for clip_id, error in _results(waiting, out, corpus, n_jobs):
        n_done += 1
        if error:
            failed[clip_id] = error
        if progress:
            progress(n_done, len(specs), clip_id)
    return failed


def _results(
    specs: Sequence[ClipSpec], out: Path, corpus: Corpus, n_jobs: int
) -> Iterable[tuple[str, str]]:
    if n_jobs == 1:
        for spec in specs:
            yield spec.clip_id, _error_of(lambda spec=spec: _render_one(spec, out, corpus))  # type: ignore[misc]
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_jobs, mp_context=context) as pool:
        futures = {pool.submit(_render_one, spec, out, corpus): spec for spec in specs}
        for future in as_completed(futures):
            yield futures[future].clip_id, _error_of(future.result)


def _error_of(call: Callable[[], str]) -> str:
    """Run a call and return its error, or an empty string; what is not installed stops the run."""
    try:
        call()
    except MissingExtra:
        raise
    except Exception as error:  # noqa: BLE001  # one bad clip must not end a night's run
        return f"{type(error).__name__}: {error}"
    return ""
