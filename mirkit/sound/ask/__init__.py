"""Questions about a recording, answered from what mirkit finds in it, and from nothing else.

No language model is asked: a question is matched to one of the things that mirkit can find (key,
tempo, meter, chords, instruments, sounds, when and how often they come), the answer says where it
is heard, and what cannot be found is not told.
"""

from __future__ import annotations

from mirkit.audio.sources import Source
from mirkit.errors import ParameterError
from mirkit.recording import Recording
from mirkit.sound.ask.answer import CANNOT_TELL, Answer, Span
from mirkit.sound.ask.answering import ANSWERS
from mirkit.sound.ask.questions import understand

__all__ = ["CANNOT_TELL", "Answer", "Span", "ask"]


def ask(x: Source, question: str) -> Answer:
    """Answer a question about a recording.

    Parameters
    ----------
    x
        A path, a binary file object, ``(samples, sample_rate)``, `Audio` or `Track`.
    question
        In English: "Which key is this in?", "How many dog barks are there?", "When does the singing
        begin?", "What instruments are playing?".

    Returns
    -------
    Answer
        The answer with its evidence; `CANNOT_TELL` where nothing was found that answers.

    Raises
    ------
    AudioError
        Where the recording is missing, empty, damaged or holds samples that are not finite.
    ParameterError
        Where the question is empty.

    Examples
    --------
    >>> import numpy as np
    >>> ask((np.zeros(8000, np.float32), 8000), "Who wrote this?").text
    'I cannot tell.'
    """
    if not isinstance(question, str) or not question.strip():
        raise ParameterError(f"question is {question!r}; it is a sentence")
    asked = understand(question)
    recording = Recording.of(x).shared()
    if asked is None:
        return Answer(question, CANNOT_TELL)
    found = ANSWERS[asked.kind](recording, asked.sound or "")
    return Answer(question, found.text, found.confidence, found.evidence, found.source)
