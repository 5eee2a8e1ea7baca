"""Groups of tags: what a label tells of, genre or instrument or anything else that sounds.

The names are those of AudioSet, and the six of tempo and energy that mirkit adds; see
docs/tags.md. What is in no other group is of the environment: people, animals, things, places.
"""

from __future__ import annotations

from collections.abc import Mapping

from mirkit import checks

GENRES = (
    *("Ambient music", "Blues", "Chant", "Classical music", "Country", "Dance music"),
    *("Electronic music", "Folk music", "Funk", "Heavy metal", "Hip hop music", "House music"),
    *("Jazz", "Opera", "Pop music", "Reggae", "Rock music", "Soul music", "Soundtrack music"),
    *("Techno", "Trance music", "Video game music", "Vocal music", "A capella"),
)
FURTHER_GENRES = (
    *("Afrobeat", "Bluegrass", "Carnatic music", "Christian music", "Disco", "Drum and bass"),
    *("Dubstep", "Electronica", "Electronic dance music", "Flamenco", "Gospel music", "Grunge"),
    *("Independent music", "Middle Eastern music", "Music for children", "Music of Africa"),
    *("Music of Asia", "Music of Bollywood", "Music of Latin America", "New-age music"),
    *("Progressive rock", "Psychedelic rock", "Punk rock", "Rhythm and blues", "Rock and roll"),
    *("Salsa music", "Ska", "Swing music", "Traditional music", "Lullaby", "Theme music"),
    *("Background music", "Jingle (music)", "Christmas music", "Wedding music"),
)
"""Genres of AudioSet that only other taggers know."""

MOODS = (
    *("Angry music", "Exciting music", "Happy music", "Sad music", "Scary music"),
    "Tender music",
)
TEMPI = ("Slow tempo", "Moderate tempo", "Fast tempo")
ENERGIES = ("Low energy", "Medium energy", "High energy")
VOCALS = (
    *("Singing", "Choir", "Female singing", "Male singing", "Child singing", "Synthetic singing"),
    *("Rapping", "Humming", "Yodeling", "Beatboxing", "Mantra"),
)
INSTRUMENTS = (
    *("Accordion", "Acoustic guitar", "Bagpipes", "Banjo", "Bass drum"),
    *("Bass guitar", "Bell", "Bowed string instrument", "Brass instrument", "Cello", "Chime"),
    *("Church bell", "Clarinet", "Cowbell", "Cymbal", "Didgeridoo", "Double bass", "Drum"),
    *("Drum kit", "Drum machine", "Drum roll", "Electric guitar", "Electric piano"),
    *("Electronic organ", "Flute", "French horn", "Glockenspiel", "Gong", "Guitar"),
    *("Hammond organ", "Harmonica", "Harp", "Harpsichord", "Hi-hat", "Keyboard (musical)"),
    *("Mallet percussion", "Mandolin", "Maraca", "Marimba, xylophone"),
    *("Musical instrument", "Orchestra", "Organ", "Percussion", "Piano", "Pizzicato"),
    *("Plucked string instrument", "Rattle (instrument)", "Rimshot", "Sampler", "Saxophone"),
    *("Scratching (performance technique)", "Shofar", "Singing bowl", "Sitar", "Snare drum"),
    *("Steel guitar, slide guitar", "Steelpan", "String section", "Strum", "Synthesizer"),
    *("Tabla", "Tambourine", "Tapping (guitar technique)", "Theremin", "Timpani", "Trombone"),
    *("Trumpet", "Tubular bells", "Tuning fork", "Ukulele", "Vibraphone", "Violin, fiddle"),
    *("Wind chime", "Wind instrument, woodwind instrument", "Wood block", "Zither"),
)

GROUPS: Mapping[str, frozenset[str]] = {
    "genre": frozenset({*GENRES, *FURTHER_GENRES}),
    "mood": frozenset(MOODS),
    "tempo": frozenset(TEMPI),
    "energy": frozenset(ENERGIES),
    "vocals": frozenset(VOCALS),
    "instrument": frozenset(INSTRUMENTS),
}
"""The groups that are listed; ``"environment"`` is all the rest but ``"Music"`` itself."""

NAMES = (*GROUPS, "environment")


def is_in_group(label: str, group: str) -> bool:
    """Return whether a label belongs to a group.

    Raises
    ------
    UnknownName
        Where there is no such group.

    Examples
    --------
    >>> is_in_group("Trumpet", "instrument"), is_in_group("Rain", "environment")
    (True, True)
    """
    checks.member("group of tags", group, NAMES)
    if group != "environment":
        return label in GROUPS[group]
    return label != "Music" and not any(label in labels for labels in GROUPS.values())
