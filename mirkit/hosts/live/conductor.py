"""From what a follower heard to what is due next: beats are given on the beat, not after it."""

from __future__ import annotations

from math import floor, inf, log

from mirkit.hosts.live.events import Beat, Event, Pulse, Start, Stop
from mirkit.music.beat.follower import BeatUpdate

PULSES = 24
"""Pulses in a beat, as MIDI has them."""

USUAL_METER = 4

OTHER_LEVEL = 0.12
"""Periods that differ by more (as a log ratio) are of two tempi."""

ASTRAY = 0.15
"""Of a period: a beat further from where it was foretold is on another line."""

MEMORY = 0.8
"""What an old beat counts against the one after it, in the long run."""

LEAST_PLACE, LEAST_SPEED = 1 - MEMORY**2, (1 - MEMORY) ** 2
"""Of an error: what it moves time and period by in the long run, so that nothing swings."""


class Pendulum:
    """A steady beat behind beats that were heard, each a few milliseconds off.

    Time and period follow the errors of what they foretold: at first so that they are the line of
    least squares through all beats, later so that those of the last eight or so count. A beat that
    is far from where it was foretold is the first of a new line.
    """

    def __init__(self) -> None:
        self.time = 0.0  # of the last beat [s]
        self.period = 0.0  # [s]; 0 before the first beat
        self.n = 0  # beats on this line

    def swing(self, heard: float, period: float) -> None:
        """Take in a beat that was heard at `heard` [s]; beats are about `period` apart [s]."""
        steps = round((heard - self.time) / self.period) if self.period else 0
        error = heard - self.time - steps * self.period
        steady = abs(log(period / self.period)) < OTHER_LEVEL if self.period else False
        if not steady or steps < 1 or abs(error) > ASTRAY * self.period:
            self.time, self.period, self.n = heard, period, 1
            return
        self.n += 1
        place = max(2 * (2 * self.n - 1) / (self.n * (self.n + 1)), LEAST_PLACE)
        speed = max(6 / (self.n * (self.n + 1)), LEAST_SPEED)
        self.time += steps * self.period + min(place, 1.0) * error
        # the follower knows the tempo better than two beats do
        self.period += min(speed, 0.5) * error / steps

    def after(self, time: float) -> float:
        """Return the first beat later than `time` [s]."""
        return self.time + (floor((time - self.time) / self.period) + 1) * self.period


class Conductor:
    """Foretell beats and pulses from the updates of a follower. All times are of the music [s].

    Every beat is given once, when the music is at the time foretold for it, and between two beats
    there are always 24 pulses. An update moves what has not been given yet; a beat that was given
    is not given again where it is then heard somewhat later.
    """

    def __init__(self) -> None:
        self.pendulum = Pendulum()
        self.pulses = False  # whether there is a beat to follow
        self.due = 0.0  # when the next beat is
        self.position = 0  # of the next beat
        self.n_beats = 0
        self.last_beat: float | None = None  # when the last was given
        self.n_pulses = 0  # given since the last beat
        self.running = False
        self.meter = USUAL_METER
        self._before = 0  # position of the last beat that was heard
        self._before_time = -inf

    @property
    def period(self) -> float:
        """The time from a beat to the next [s]."""
        return self.pendulum.period

    def hear(self, update: BeatUpdate) -> None:
        """Take in what was heard; after it, `next_time` may be another."""
        self._learn_meter(update)
        if update.bpm is None:
            self.pulses = False
            return
        for time in update.beats.times.tolist():
            self.pendulum.swing(time, 60 / update.bpm)
            self.pulses = True
        if len(update.beats):
            # a beat that was given already may be heard a little later: it is not due again
            given = -inf if self.last_beat is None else self.last_beat + self.period / 2
            self.due = self.pendulum.after(max(update.time, given))
            self._place(update)

    def next_time(self) -> float | None:
        """Return when `fire` has something to give, or None for not before more is heard."""
        if not self.pulses:
            return 0.0 if self.running else None
        return self._pulse_time() if self.running else self.due

    def fire(self, now: float) -> list[Event]:
        """Return all that is due at `now` and was not given yet, in order."""
        events: list[Event] = []
        if not self.pulses:
            if self.running:
                self.running = False
                events.append(Stop(now))
            return events
        while (time := self.next_time()) is not None and time <= now:
            if not self.running:
                self.running = True
                events.append(Start(self.due))
                self.n_pulses = PULSES
            if self.n_pulses == PULSES:
                events.append(self._beat())
            self.n_pulses += 1
            events.append(Pulse(time))
        return events

    def _pulse_time(self) -> float:
        """Return when the next pulse is; the first of a beat is on it."""
        return self.due - (PULSES - self.n_pulses) * self.period / PULSES

    def _beat(self) -> Beat:
        beat = Beat(self.due, self.n_beats, self.position, 60 / self.period)
        self.last_beat = self.due
        self.due += self.period
        self.n_beats += 1
        self.n_pulses = 0
        self.position = self.position % self.meter + 1 if self.position else 0
        return beat

    def _learn_meter(self, update: BeatUpdate) -> None:
        """Take the number of the beat before a downbeat, if it was the one right before it."""
        if update.beats.positions is None or update.bpm is None:
            return
        for time, position in zip(
            update.beats.times.tolist(), update.beats.positions.tolist(), strict=True
        ):
            next_to = 0.5 < (time - self._before_time) * update.bpm / 60 < 1.5
            if position == 1 and self._before > 1 and next_to:
                self.meter = self._before
            self._before, self._before_time = position, time

    def _place(self, update: BeatUpdate) -> None:
        """Count from the last beat that was heard to the one that is due."""
        if self._before:
            n = round((self.due - float(update.beats.times[-1])) / self.period)
            meter = max(self.meter, self._before)
            self.position = (self._before - 1 + n) % meter + 1
