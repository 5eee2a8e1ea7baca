"""WordPiece splits as the tokenizers of others do."""

import numpy as np
import pytest

from mirkit.errors import ParameterError
from mirkit.text.wordpiece import PAD, UNKNOWN, WordPiece, words_of

PIECES = (
    PAD, UNKNOWN, "a", "the", "dog", "do", "##g", "##gs", "##s", "bark", "##ing", "##ed", "b",
    "cafe", "##e", "12", "##0", "rain", "##drop", "cock", "doodle",
)  # fmt: skip
SENTENCES = [
    "A dog, barking.", "THE DOGS barked", "raindrops; dogged?", "café 120", "xyz dog", "",
    "cock-a-doodle-doo", "Dog's bark!", "the\tdog\n barks",
]  # fmt: skip


def test_it_splits_as_the_tokenizers_library():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    theirs = Tokenizer(models.WordPiece({p: i for i, p in enumerate(PIECES)}, unk_token=UNKNOWN))
    theirs.normalizer = normalizers.BertNormalizer()
    theirs.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("removed")]
    )
    own = WordPiece(PIECES)
    for sentence in SENTENCES:
        assert own.encode(sentence) == theirs.encode(sentence).ids, sentence


def test_batches_are_padded_at_their_end():
    own = WordPiece(PIECES, max_length=3)
    ids = own.batch(["the dog", "", "a dog barks the rain"])
    np.testing.assert_array_equal(ids, [[3, 4, 0], [1, 0, 0], [2, 4, 9]])


def test_words_too_long_are_unknown():
    assert WordPiece(PIECES).encode("b" + "s" * 100) == [1]
    assert list(words_of("_one_two")) == ["one", "two"]


@pytest.mark.parametrize("pieces", [("a", PAD), (PAD, UNKNOWN, "a", "a")])
def test_odd_vocabularies_are_refused(pieces):
    with pytest.raises(ParameterError, match="pieces"):
        WordPiece(pieces)
