"""Questions: which of the things that mirkit can find a question asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SOUND = r"(?P<sound>[a-z' -]+?)"
_END = r"\s*(?:in (?:this|the) (?:recording|clip|file|song|piece)|here|there)?\s*\??$"

PATTERNS = (
    ("key", r"\b(?:what|which) key\b|\bkey of (?:this|the)\b|\bmajor or minor\b"),
    ("meter", r"\btime signature\b|\bmeter\b|\bbeats (?:in|per) a? ?bar\b"),
    ("tempo", r"\btempo\b|\bbpm\b|\bhow fast\b|\bbeats per minute\b"),
    ("chords", r"\bchords?\b"),
    ("length", r"\bhow long\b.*\b(?:recording|clip|file|song|piece|track|it|this)\b|\bduration\b"),
    ("instruments", r"\b(?:what|which) instruments?\b"),
    ("count", rf"\bhow many times (?:do|does|is|are) (?:a |an |the )?{_SOUND}{_END}"),
    ("count", rf"\bhow many {_SOUND}"
              rf"(?: (?:are there|are heard|can (?:you|be) hear\w*|occur|sound))?{_END}"),
    ("begin", rf"\bwhen (?:do|does|is|are)(?: the)? {_SOUND} (?:begin|start|first)\b"),
    ("end", rf"\bwhen (?:do|does|is|are)(?: the)? {_SOUND} (?:end|stop|last)\b"),
    ("when", rf"\b(?:when|where) (?:is|are|do|does|can)(?: (?:you|i) hear)?(?: the)? {_SOUND}"
             rf"(?: heard| sound| occur| bark)?{_END}"),
    ("present", rf"\b(?:is|are) there (?:a |an |any |some )?{_SOUND}{_END}"),
    ("present", rf"\b(?:do|can) you hear (?:a |an |any |some |the )?{_SOUND}{_END}"),
    ("sounds", r"\bwhat (?:sounds?|is this|is that|do you hear|can (?:you|be) hear\w*|is heard)\b"
               r"|\bwhat(?:'s| is) (?:happening|going on|playing|the sound)\b|\bdescribe\b"),
)  # fmt: skip
"""Kinds of questions, the first pattern that fits counts."""


@dataclass(frozen=True, slots=True)
class Question:
    """Meaning of a question.

    Parameters
    ----------
    kind
        One of the kinds of `PATTERNS`.
    sound
        The sound that it asks about, in the words of the question; None where it is about none.
    """

    kind: str
    sound: str | None = None


def understand(question: str) -> Question | None:
    """Return what a question asks for; None where it is nothing that mirkit finds.

    Examples
    --------
    >>> understand("How many dog barks are there?")
    Question(kind='count', sound='dog barks')
    >>> understand("When does the singing begin?")
    Question(kind='begin', sound='singing')
    >>> understand("Who wrote this?") is None
    True
    """
    text = " ".join(question.lower().split())
    for kind, pattern in PATTERNS:
        found = re.search(pattern, text)
        if found:
            named = found.groupdict().get("sound")
            return Question(kind, named.strip() if named else None)
    return None
