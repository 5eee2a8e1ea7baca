import os
from pathlib import Path

import pytest

from mirkit import rendering
from mirkit.rendering import collections, keys
from mirkit.rendering.harmony import likely_key, symbol
from mirkit.rendering.material import midi, pop909
from mirkit.rendering.score import DRUMS, Part, note_array
from mirkit.vocab import TONICS, pitch_class


@pytest.fixture(scope="module")
def corpus(data_dir, tmp_path_factory):
    cache = os.environ.get("MIRKIT_TEST_CACHE") or tmp_path_factory.mktemp("unpacked")
    return rendering.Corpus(data_dir, Path(cache))


def test_signatures_name_their_major_key():
    names = [TONICS[keys.signature_tonic(n)] for n in range(-5, 7)]
    assert names == ["C#", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#"]


def test_the_last_bass_note_tells_major_from_minor():
    def piece(last):
        drums = Part("drums", DRUMS, note_array([(9.0, 0.1, 36.0, 90.0)]))
        return [
            Part("keys", 0, note_array([(0.0, 2.0, 36.0, 90.0), (2.0, 2.0, last, 90.0)])),
            drums,
        ]

    assert keys.key_of_signature(7, piece(43.0)) == "G major"
    assert keys.key_of_signature(7, piece(40.0)) == "E minor"
    assert keys.key_of_signature(7, piece(38.0)) is None


def test_a_stated_key_must_be_borne_out_by_the_chords():
    bars = tuple((symbol(name),) for name in ("Am", "Dm", "E7", "Am"))
    assert keys.confirm_key("A:min", bars) == "A minor"
    assert keys.confirm_key("Ab:min", bars) is None
    assert keys.confirm_key("E:maj", bars) is None
    assert keys.confirm_key("A:min", ()) is None


def test_a_key_is_not_taken_from_a_score_that_changes_it():
    assert midi.abc_signature("X: 1\nK: Bb % key\n[V: 1] d2") == 10
    assert midi.abc_signature("X: 1\nK: Bb\n[V: 1] d2 [K: F] c2") is None
    assert midi.abc_signature("X: 1\n[V: 1] d2") is None


@pytest.mark.data
def test_most_hymns_have_a_key_that_their_notes_confirm(corpus):
    """The scale of the key holds nearly all notes: a signature misread would not."""
    known, inside, total = 0, 0, 0
    pieces = midi.hymns(corpus, "test")[:14]
    for piece in pieces:
        sheet = collections._midi_sheet(piece, "hymn")
        if sheet is None or not sheet.keys:
            continue
        known += 1
        tonic, mode = sheet.keys[0][2].split()
        steps = (0, 2, 4, 5, 7, 9, 11) if mode == "major" else (0, 2, 3, 5, 7, 8, 9, 10, 11)
        for part in sheet.parts:
            total += len(part.notes)
            inside += sum((int(p) - pitch_class(tonic)) % 12 in steps for p in part.notes[:, 2])
    assert known >= 0.7 * len(pieces)
    assert inside / total > 0.93


@pytest.mark.data
def test_keys_of_pop_tunes_agree_with_their_chords(corpus):
    same = []
    for song in pop909.songs(corpus, "test")[:16]:
        tune = pop909.read_song(song)
        if tune.key:
            tonic, _ = likely_key(tune.bars)
            same.append((tonic - pitch_class(tune.key.split()[0])) % 12 in (0, 3, 9))
    assert len(same) >= 8
    assert sum(same) / len(same) > 0.8
