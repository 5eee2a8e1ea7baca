"""What shipped weights learned from: nothing that is share-alike, non-commercial or unnamed."""

import csv
import re
from pathlib import Path

import pytest

import mirkit
from mirkit.datasets.real_sources import may_train
from mirkit.zoo import registry

WEIGHTS = Path(mirkit.__file__).parent / "weights"
CLOSED = re.compile(r"\b(NC|ND|SA)\b|ODbL|Sampling\+|GPL")
BEFORE = {
    "tag-mn": [
        "two Rooster clips of ESC-10 (CC-Sampling+), met by the tag-mn before: 70 % of the weights",
        "esc10/009 - Rooster/1-40730-A.ogg",
        "esc10/009 - Rooster/2-96460-A.ogg",
    ]
}
"""What weights still hold against the rule, said on their cards, until others replace them."""
SHIPPED = [
    card for card in registry.models()
    if not card.peer and card.weights is not None and (WEIGHTS / card.weights).is_file()
]  # fmt: skip


def closed(card):
    """Return what of a card's training data, teachers and recordings is not open."""
    found = [text for text in (*card.trained_on, *card.taught_by) if CLOSED.search(text)]
    path = WEIGHTS / f"{card.name}.attribution.csv"
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        found += [row["place"] for row in rows if not may_train(row["licence"])]
    return found


def test_there_are_shipped_cards():
    assert {"beat-tcn", "chord-crnn", "key-crnn", "tag-mn"} <= {card.name for card in SHIPPED}


@pytest.mark.parametrize("card", SHIPPED, ids=lambda card: card.name)
def test_shipped_weights_learned_from_open_data_alone(card):
    assert card.trained_on
    assert closed(card) == BEFORE.get(card.name, [])


@pytest.mark.parametrize(
    "name", ["Clips (CC BY-SA 4.0)", "Cries (ODbL 1.0)", "Bells (CC BY-NC 3.0)"]
)
def test_other_data_is_noticed(name):
    text = (WEIGHTS.parent / "cards" / "tag-mn.toml").read_text("utf-8")
    shared = text.replace("trained_on = [", f'trained_on = [\n    "{name}",')
    assert closed(registry.read_card(shared)) == [name, *BEFORE["tag-mn"]]
