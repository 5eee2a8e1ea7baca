"""AudioSet's names for the classes of sound sets, where it has them.

A class that AudioSet lacks keeps its own name. Within a set no two classes share a name, so nothing
is merged. FSD50K writes the names of AudioSet in its own way, see `fsd50k_name`.
"""

from __future__ import annotations

from collections.abc import Mapping

_ESC10 = {
    "Dog bark": "Dog", "Rain": "Rain", "Sea waves": "Waves, surf",
    "Baby cry": "Baby cry, infant cry", "Clock tick": "Tick", "Person sneeze": "Sneeze",
    "Helicopter": "Helicopter", "Chainsaw": "Chainsaw", "Rooster": "Crowing, cock-a-doodle-doo",
    "Fire crackling": "Crackle",
}  # fmt: skip

_ESC50 = {
    "dog": "Dog", "rooster": "Crowing, cock-a-doodle-doo", "pig": "Pig",
    "cow": "Cattle, bovinae", "frog": "Frog", "cat": "Cat", "hen": "Cluck", "insects": "Insect",
    "sheep": "Sheep", "crow": "Crow", "rain": "Rain", "sea_waves": "Waves, surf",
    "crackling_fire": "Crackle", "crickets": "Cricket", "chirping_birds": "Chirp, tweet",
    "water_drops": "Drip", "wind": "Wind", "pouring_water": "Pour",
    "toilet_flush": "Toilet flush", "thunderstorm": "Thunderstorm",
    "crying_baby": "Baby cry, infant cry", "sneezing": "Sneeze", "clapping": "Clapping",
    "breathing": "Breathing", "coughing": "Cough", "footsteps": "Walk, footsteps",
    "laughing": "Laughter", "brushing_teeth": "Toothbrush", "snoring": "Snoring",
    "door_wood_knock": "Knock", "keyboard_typing": "Computer keyboard",
    "door_wood_creaks": "Creak", "vacuum_cleaner": "Vacuum cleaner",
    "clock_alarm": "Alarm clock", "clock_tick": "Tick", "glass_breaking": "Shatter",
    "helicopter": "Helicopter", "chainsaw": "Chainsaw", "siren": "Siren",
    "car_horn": "Vehicle horn, car horn, honking", "engine": "Engine", "train": "Train",
    "church_bells": "Church bell", "airplane": "Fixed-wing aircraft, airplane",
    "fireworks": "Fireworks", "hand_saw": "Sawing",
}  # fmt: skip

_URBAN = {
    "air_conditioner": "Air conditioning", "car_horn": "Vehicle horn, car horn, honking",
    "children_playing": "Children playing", "dog_bark": "Bark", "drilling": "Drill",
    "engine_idling": "Idling", "gun_shot": "Gunshot, gunfire", "jackhammer": "Jackhammer",
    "siren": "Siren",
}  # fmt: skip

_GENRES = {
    "blues": "Blues", "classical": "Classical music", "country": "Country", "disco": "Disco",
    "hiphop": "Hip hop music", "jazz": "Jazz", "metal": "Heavy metal", "pop": "Pop music",
    "reggae": "Reggae", "rock": "Rock music",
}  # fmt: skip

_MAGNA = {
    "guitar": "Guitar", "classical": "Classical music", "techno": "Techno",
    "strings": "String section", "drums": "Drum kit", "electronic": "Electronic music",
    "rock": "Rock music", "piano": "Piano", "ambient": "Ambient music",
    "violin": "Violin, fiddle", "synth": "Synthesizer", "opera": "Opera", "singing": "Singing",
    "harpsichord": "Harpsichord", "flute": "Flute", "male vocal": "Male singing",
    "female vocal": "Female singing", "pop": "Pop music", "sitar": "Sitar", "choir": "Choir",
    "harp": "Harp", "cello": "Cello", "country": "Country", "dance": "Dance music",
    "metal": "Heavy metal", "new age": "New-age music",
}  # fmt: skip

_JAMENDO = {
    **{f"genre---{genre}": name for genre, name in _GENRES.items()},
    **{
        f"genre---{genre}": name
        for genre, name in {
            "ambient": "Ambient music", "bluegrass": "Bluegrass", "dance": "Dance music",
            "drumnbass": "Drum and bass", "dubstep": "Dubstep",
            "electronic": "Electronic music", "electronica": "Electronica",
            "folk": "Folk music", "funk": "Funk", "grunge": "Grunge", "house": "House music",
            "newage": "New-age music", "punkrock": "Punk rock", "rnb": "Rhythm and blues",
            "rocknroll": "Rock and roll", "ska": "Ska", "soul": "Soul music",
            "soundtrack": "Soundtrack music", "swing": "Swing music", "techno": "Techno",
            "trance": "Trance music",
        }.items()
    },
    **{
        f"instrument---{instrument}": name
        for instrument, name in {
            "accordion": "Accordion", "acousticguitar": "Acoustic guitar", "bell": "Bell",
            "brass": "Brass instrument", "cello": "Cello", "clarinet": "Clarinet",
            "doublebass": "Double bass", "drummachine": "Drum machine", "drums": "Drum kit",
            "electricguitar": "Electric guitar", "electricpiano": "Electric piano",
            "flute": "Flute", "guitar": "Guitar", "harmonica": "Harmonica", "harp": "Harp",
            "orchestra": "Orchestra", "organ": "Organ", "percussion": "Percussion",
            "piano": "Piano", "sampler": "Sampler", "saxophone": "Saxophone",
            "strings": "String section", "synthesizer": "Synthesizer",
            "trombone": "Trombone", "trumpet": "Trumpet", "violin": "Violin, fiddle",
        }.items()
    },
    "mood/theme---children": "Music for children", "mood/theme---christmas": "Christmas music",
    "mood/theme---game": "Video game music", "mood/theme---happy": "Happy music",
    "mood/theme---sad": "Sad music",
}  # fmt: skip

AUDIOSET_NAMES: Mapping[str, Mapping[str, str]] = {
    "esc10": {**_ESC10, **_ESC50},
    "esc50": _ESC50,
    "urbansound8k": _URBAN,
    "gtzan": _GENRES,
    "magnatagatune": _MAGNA,
    "mtg-jamendo": _JAMENDO,
}
"""By set: its own name of a class, and AudioSet's."""

_FSD50K = {"Dishes_and_pots_and_pans": "Dishes, pots, and pans"}


def fsd50k_name(label: str) -> str:
    """Return what AudioSet calls a class of FSD50K.

    Examples
    --------
    >>> fsd50k_name("Boat_and_Water_vehicle"), fsd50k_name("Chirp_and_tweet")
    ('Boat, Water vehicle', 'Chirp, tweet')
    """
    return _FSD50K.get(label, label.replace("_and_", ", ").replace("_", " "))


def audioset_name(set_name: str, label: str) -> str:
    """Return what AudioSet calls a class of a set; its own name where AudioSet lacks it.

    Examples
    --------
    >>> audioset_name("esc50", "hand_saw"), audioset_name("esc50", "can_opening")
    ('Sawing', 'can_opening')
    """
    if set_name == "fsd50k":
        return fsd50k_name(label)
    return AUDIOSET_NAMES.get(set_name, {}).get(label, label)
