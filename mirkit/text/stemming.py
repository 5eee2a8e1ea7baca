"""The Porter stemmer: English words without their endings.

Rules are tables of endings; a rule applies where what is left has a given measure, the number of
times that a run of vowels is followed by one of consonants.

References
----------
M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize",
    "abli": "able", "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize",
    "ation": "ate", "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful",
    "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_STEP_4 = dict.fromkeys(
    [
        "al",
        "ance",
        "ence",
        "er",
        "ic",
        "able",
        "ible",
        "ant",
        "ement",
        "ment",
        "ent",
        "ion",
        "ou",
        "ism",
        "ate",
        "iti",
        "ous",
        "ive",
        "ize",
    ],
    "",
)


def stem(word: str) -> str:
    """Return the stem of a word in small letters.

    Examples
    --------
    >>> [stem(word) for word in ("barking", "barks", "ponies", "relational", "hopping")]
    ['bark', 'bark', 'poni', 'relat', 'hop']
    """
    if len(word) <= 2:
        return word
    word = _doing(_plural(word))
    if word.endswith("y") and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    word = _replace(word, _STEP_2, lambda rest, ending: _measure(rest) > 0)
    word = _replace(word, _STEP_3, lambda rest, ending: _measure(rest) > 0)
    word = _replace(word, _STEP_4, _may_drop)
    return _tidy(word)


def _plural(word: str) -> str:
    """Take off the ending of a plural."""
    for ending, new in (("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")):
        if word.endswith(ending):
            return word.removesuffix(ending) + new
    return word


def _doing(word: str) -> str:
    """Take off "ed" and "ing"."""
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        rest = word.removesuffix(ending)
        if rest != word and _has_vowel(rest):
            return _mend(rest)
    return word


def _mend(rest: str) -> str:
    """Return what was there before "ed" or "ing"."""
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if _ends_double(rest) and not rest.endswith(("l", "s", "z")):
        return rest[:-1]
    return rest + "e" if _measure(rest) == 1 and _ends_short(rest) else rest


def _replace(word: str, rules: Mapping[str, str], applies: Callable[[str, str], bool]) -> str:
    """Apply the rule of the longest ending, where it applies."""
    ending = next((e for e in sorted(rules, key=len, reverse=True) if word.endswith(e)), None)
    if ending is None:
        return word
    rest = word.removesuffix(ending)
    return rest + rules[ending] if applies(rest, ending) else word


def _may_drop(rest: str, ending: str) -> bool:
    return _measure(rest) > 1 and (ending != "ion" or rest.endswith(("s", "t")))


def _tidy(word: str) -> str:
    """Take off a last "e" or the second "l" of two."""
    if word.endswith("e"):
        rest = word[:-1]
        if _measure(rest) > 1 or (_measure(rest) == 1 and not _ends_short(rest)):
            word = rest
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word


def _shape(word: str) -> str:
    """Return c for each consonant and v for each vowel; y is a vowel behind a consonant.

    Examples
    --------
    >>> _shape("toy"), _shape("syzygy")
    ('cvc', 'cvcvcv')
    """
    shape = ""
    for letter in word:
        is_vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if is_vowel else "c"
    return shape


def _measure(word: str) -> int:
    return len(re.findall("v+c+", _shape(word)))


def _has_vowel(word: str) -> bool:
    return "v" in _shape(word)


def _ends_double(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _shape(word).endswith("c")


def _ends_short(word: str) -> bool:
    return _shape(word).endswith("cvc") and not word.endswith(("w", "x", "y"))
