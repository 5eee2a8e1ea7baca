"""Kinds of things among the tags of the default tagger: a bark is of a dog, a dog an animal.

The names are AudioSet's. The table says no more than what its names do; the ontology of AudioSet
itself is read by `mirkit.datasets.ontology`, and a test finds each pair in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KINDS: Mapping[str, tuple[str, ...]] = {
    "Animal": (
        *("Domestic animals, pets", "Wild animals", "Livestock, farm animals, working animals"),
        *("Dog", "Cat", "Bird", "Insect", "Frog", "Snake", "Horse", "Pig", "Goat", "Sheep"),
        *("Growling", "Howl", "Roar", "Duck", "Goose", "Whale vocalization"),
    ),
    "Domestic animals, pets": ("Dog", "Cat"),
    "Dog": ("Bark", "Yip", "Whimper (dog)"),
    "Cat": ("Meow", "Purr", "Caterwaul"),
    "Livestock, farm animals, working animals": (
        *("Horse", "Cattle, bovinae", "Pig", "Goat", "Sheep", "Fowl"),
    ),
    "Horse": ("Neigh, whinny", "Clip-clop"),
    "Cattle, bovinae": ("Moo",),
    "Pig": ("Oink",),
    "Fowl": ("Chicken, rooster", "Turkey", "Duck", "Goose"),
    "Chicken, rooster": ("Crowing, cock-a-doodle-doo", "Cluck"),
    "Turkey": ("Gobble",),
    "Duck": ("Quack",),
    "Goose": ("Honk",),
    "Wild animals": ("Roaring cats (lions, tigers)", "Bird"),
    "Bird": (
        *("Bird vocalization, bird call, bird song", "Pigeon, dove", "Crow", "Owl"),
        "Bird flight, flapping wings",
    ),
    "Bird vocalization, bird call, bird song": ("Chirp, tweet", "Squawk"),
    "Pigeon, dove": ("Coo",),
    "Crow": ("Caw",),
    "Owl": ("Hoot",),
    "Insect": ("Cricket", "Fly, housefly", "Bee, wasp, etc."),
    "Frog": ("Croak",),
    "Speech": (
        *("Male speech, man speaking", "Female speech, woman speaking"),
        *("Child speech, kid speaking", "Conversation"),
    ),
    "Vehicle": ("Boat, Water vehicle", "Motor vehicle (road)", "Rail transport", "Aircraft"),
    "Boat, Water vehicle": ("Ship",),
    "Motor vehicle (road)": ("Car", "Truck", "Bus", "Emergency vehicle", "Motorcycle"),
    "Car": ("Vehicle horn, car horn, honking", "Car alarm", "Skidding", "Tire squeal"),
    "Emergency vehicle": ("Police car (siren)",),
    "Rail transport": ("Train", "Subway, metro, underground"),
    "Train": ("Train whistle", "Train horn"),
    "Aircraft": ("Aircraft engine", "Helicopter", "Fixed-wing aircraft, airplane"),
    "Aircraft engine": ("Jet engine", "Propeller, airscrew"),
    "Engine": ("Engine starting", "Idling"),
    "Water": ("Rain", "Raindrop", "Stream", "Waterfall", "Ocean", "Steam", "Gurgling"),
    "Rain": ("Raindrop", "Rain on surface"),
    "Ocean": ("Waves, surf",),
    "Thunderstorm": ("Thunder",),
    "Fire": ("Crackle",),
    "Clock": ("Tick-tock",),
    "Tools": ("Hammer", "Sawing", "Jackhammer", "Filing (rasp)", "Power tool"),
    "Power tool": ("Drill",),
    "Door": ("Doorbell", "Sliding door", "Slam", "Knock"),
    "Doorbell": ("Ding-dong",),
    "Telephone": ("Telephone bell ringing",),
    "Typing": ("Computer keyboard",),
    "Glass": ("Chink, clink", "Shatter"),
    "Explosion": ("Gunshot, gunfire", "Fireworks", "Burst, pop", "Eruption", "Boom"),
    "Gunshot, gunfire": ("Machine gun", "Artillery fire"),
    "Bell": ("Church bell", "Jingle bell", "Bicycle bell", "Chime"),
    "Camera": ("Single-lens reflex camera",),
    "Music": ("Musical instrument",),
    "Plucked string instrument": ("Guitar",),
    "Guitar": ("Acoustic guitar", "Electric guitar", "Bass guitar"),
    "Keyboard (musical)": ("Piano", "Organ", "Synthesizer", "Harpsichord"),
    "Piano": ("Electric piano",),
    "Percussion": ("Drum", "Drum kit", "Cymbal", "Maraca", "Gong", "Mallet percussion"),
    "Drum": ("Snare drum", "Bass drum", "Timpani", "Tabla"),
    "Cymbal": ("Hi-hat",),
    "Brass instrument": ("Trumpet", "Trombone", "French horn"),
    "Bowed string instrument": ("Violin, fiddle", "Cello", "Double bass", "String section"),
    "Wind instrument, woodwind instrument": ("Flute", "Clarinet", "Saxophone"),
    "Singing": ("Choir",),
}
"""The kinds of each tag that has any."""

SHARE = 0.5
"""A kind with this share of the probability of its parent tells what the parent is there for."""


def order_by_kind(labels: Sequence[str], scores: Mapping[str, float]) -> dict[str, float]:
    """Return scores in which what is specific comes before what it is a kind of.

    A tag has at least the score of its best kind, as it is there whenever its kind is. Where the
    best kind has half of its score or more, it has exactly that, and follows it.

    Examples
    --------
    >>> order_by_kind(["Animal", "Dog", "Bark"], {"Animal": 0.9, "Dog": 0.6, "Bark": 0.1})
    {'Dog': 0.6, 'Animal': 0.6, 'Bark': 0.1}
    """
    found = dict(scores)
    for label in _kinds_before(labels):
        best = max((found[kind] for kind in KINDS.get(label, ()) if kind in found), default=0.0)
        if best >= SHARE * found[label]:
            found[label] = best
    order = {label: i for i, label in enumerate(_kinds_before(labels))}
    return dict(sorted(found.items(), key=lambda each: (-each[1], order[each[0]])))


def _kinds_before(labels: Sequence[str]) -> list[str]:
    """Return labels in an order in which all kinds of a label come before it."""
    ordered: dict[str, None] = {}

    def visit(label: str) -> None:
        for kind in KINDS.get(label, ()):
            if kind in wanted:
                visit(kind)
        ordered.setdefault(label)

    wanted = set(labels)
    for label in labels:
        visit(label)
    return list(ordered)
