"""The decoder of notes as its paper tells it, frame by frame: a slow plain twin, as an oracle."""

import numpy as np


def onsets(note, onset, infer):
    """The onset activation ``(n_frames, n_pitches)``, with rises of the note activation in it."""
    onset = np.array(onset, dtype=np.float64)
    if not infer:
        return onset
    rises = np.zeros(note.shape)
    for t in range(2, len(note)):
        for p in range(note.shape[1]):
            now = float(note[t, p])
            rises[t, p] = max(0.0, min(now - float(note[t - 1, p]), now - float(note[t - 2, p])))
    steepest = rises.max(initial=0)
    return np.maximum(onset, onset.max(initial=0) * rises / steepest) if steepest else onset


def find_notes(note, onset, onset_threshold, frame_threshold, min_frames, gap, infer, melodia):
    """Notes (first frame, frame after the last, column, mean activation) in the order found."""
    n_frames, n_pitches = note.shape
    curve = onsets(note, onset, infer)
    left = np.array(note, dtype=np.float64)
    found = []

    def clear(t, p):
        for near in (p - 1, p, p + 1):
            if 0 <= near < n_pitches:
                left[t, near] = 0

    def add(start, end, p):
        if end - start > min_frames:
            found.append((start, end, p, float(note[start:end, p].astype(np.float64).mean())))
            return True
        return False

    for start in range(n_frames - 2, 0, -1):
        for p in range(n_pitches - 1, -1, -1):
            value = curve[start, p]
            if value < onset_threshold or value <= max(curve[start - 1, p], curve[start + 1, p]):
                continue
            t, quiet = start + 1, 0
            while t < n_frames - 1 and quiet < gap:
                quiet = quiet + 1 if left[t, p] < frame_threshold else 0
                t += 1
            if add(start, t - quiet, p):
                for frame in range(start, t - quiet):
                    clear(frame, p)

    while melodia and left.max(initial=0) > frame_threshold:
        middle, p = np.unravel_index(np.argmax(left), left.shape)
        left[middle, p] = 0
        ends = []
        for step, beyond in ((1, n_frames - 1), (-1, 0)):
            t, quiet = middle + step, 0
            while (beyond - t) * step > 0 and quiet < gap:
                quiet = quiet + 1 if left[t, p] < frame_threshold else 0
                clear(t, p)
                t += step
            ends.append(t - step * (1 + quiet))
        add(int(ends[1]), int(ends[0]), int(p))
    return found
