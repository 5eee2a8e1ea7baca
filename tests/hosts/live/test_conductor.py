from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirkit.annotation import Beats
from mirkit.hosts.live.clocks import MusicClock
from mirkit.hosts.live.conductor import PULSES, Conductor, Pendulum
from mirkit.hosts.live.events import Beat, Pulse, Start, Stop
from mirkit.hosts.live.performer import Performer
from mirkit.hosts.live.sources import Block
from mirkit.music.beat.follower import BeatUpdate

LATE = 0.08


def updates(times, bpm, positions=None, until=None, step=0.02):
    """What a follower would say of beats at `times`, each heard 80 ms late."""
    times = np.asarray(times, dtype=float)
    until = times[-1] + 1 if until is None else until
    heard = -1.0
    for end in np.arange(step, until, step):
        new = (times > heard) & (times <= end - LATE)
        heard = end - LATE
        some = Beats(times[new], None if positions is None else np.asarray(positions)[new])
        known = bpm if (times <= end - LATE).any() else None
        yield BeatUpdate(some, known, end if known else None, end - LATE + 0.01)


def performed(some, step=0.02):
    """The events of a conductor that hears updates as the music goes on."""
    conductor, events = Conductor(), []
    for i, update in enumerate(some, 1):
        events += conductor.fire(i * step)
        conductor.hear(update)
    return events


def beats_of(events):
    return [event for event in events if isinstance(event, Beat)]


def test_beats_are_foretold_to_the_millisecond():
    true = 0.5 + np.arange(40) * 0.5
    found = np.array([beat.time for beat in beats_of(performed(updates(true, 119)))])
    # the period of the follower is 4 ms off; the line through the beats is not
    np.testing.assert_allclose(found[6:39], true[7:40], atol=0.001)


def test_jitter_of_what_is_heard_is_smoothed():
    rng = np.random.default_rng(0)
    true = 0.5 + np.arange(120) * 0.5
    heard = true + rng.normal(0, 0.008, true.size)
    beats = [beat.time for beat in beats_of(performed(updates(heard, 120)))]
    found = np.array([time for time in beats if 5 < time < true[-1]])
    errors = found - 0.5 * np.round(found / 0.5)
    assert errors.std() < 0.006
    assert np.diff(found).std() < 0.005 < np.diff(heard).std()


@pytest.mark.parametrize("missed", [23, 11, 12, 13])
def test_positions_count_on_from_the_beat_that_was_heard(missed):
    true = 0.5 + np.arange(24) * 0.4
    positions = np.arange(24) % 3 + 1
    heard = np.arange(24) != missed
    beats = beats_of(performed(updates(true[heard], 150, positions[heard], until=10.0)))
    late = [beat for beat in beats if 4 < beat.time < true[-1]]
    assert len(late) >= 10
    for beat in late:
        assert beat.position == positions[np.abs(true - beat.time).argmin()]


def test_a_jump_of_the_beat_is_followed_at_once():
    true = np.concatenate([0.5 + np.arange(10) * 0.5, 5.27 + np.arange(10) * 0.5])
    beats = np.array([beat.time for beat in beats_of(performed(updates(true, 120)))])
    late = beats[(beats > 6) & (beats < 9.5)]
    assert len(late) == 7
    assert np.abs(late[:, None] - true).min(axis=1).max() < 0.002


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(60, 180), st.floats(0, 0.03))
def test_there_are_always_24_pulses_in_a_beat_and_time_never_goes_back(seed, bpm, noise):
    rng = np.random.default_rng(seed)
    true = np.sort(0.5 + np.arange(12) * 60 / bpm + rng.normal(0, noise, 12).clip(-0.1, 0.1))
    events = performed(updates(true, bpm))
    assert isinstance(events[0], Start)
    at = [i for i, event in enumerate(events) if isinstance(event, Beat)]
    assert len(at) >= 8
    for first, last in pairwise(at):
        assert sum(isinstance(event, Pulse) for event in events[first:last]) == PULSES
    times = [events[i].time for i in at]
    assert (np.diff(times) > 0.4 * 60 / bpm).all(), "a beat was given twice"
    assert [events[i].number for i in at] == list(range(len(at)))


def test_silence_stops_the_pulse_once_and_music_starts_it_again():
    true = 0.5 + np.arange(8) * 0.5
    some = list(updates(true, 120))
    quiet = [BeatUpdate(Beats(), None, None, 6.0)] * 20
    events = performed([*some, *quiet, *some])
    kinds = [type(event) for event in events if not isinstance(event, Pulse | Beat)]
    assert kinds == [Start, Stop, Start]


def test_nothing_is_due_before_anything_is_heard():
    assert Conductor().next_time() is None
    assert Conductor().fire(10.0) == []
    assert Pendulum().period == 0


class FakeClock:
    def __init__(self):
        self.time = 1000.0

    def now(self):
        return self.time


class Log:
    def __init__(self):
        self.sent = []

    def send(self, event, sent):
        self.sent.append((event, sent))

    def close(self):
        self.sent.append(None)


def test_what_is_due_goes_out_when_the_machine_says_that_the_music_is_there():
    clock, log = FakeClock(), Log()
    performer = Performer([log], clock, lead=0.03)
    assert performer.step() is None, "no music has come"
    for i, update in enumerate(updates([0.5, 1.0, 1.5], 120, until=1.6), 1):
        clock.time = 1000 + 0.02 * i
        performer.arrive(Block(np.zeros(441, np.float32), 0.02 * i))
        performer.hear(update)
        while (wait := performer.step()) is not None and wait <= 0:
            pass
    wait = performer.step()
    clock.time += wait + 1e-9
    n = len(log.sent)
    assert performer.step() > 0
    assert len(log.sent) > n, "it waited until something was due"
    for event, sent in log.sent:
        if isinstance(event, Beat) and event.number:
            # 20 ms is how often this test looks at the clock; the lead is what comes early
            assert -1e-9 <= sent - event.time <= 0.02 + 1e-9


def test_music_clock_trusts_the_earliest_arrival_and_forgets():
    clock = MusicClock()
    rng = np.random.default_rng(1)
    for i in range(1, 3000):  # a card that is 100 ppm slow, blocks up to 30 ms late
        clock.arrive(0.02 * i, 50 + 0.02 * i * 1.0001 + rng.exponential(0.003))
    assert clock.machine(60.0) == pytest.approx(50 + 60 * 1.0001, abs=0.0015)
    assert clock.music(clock.machine(3.0)) == pytest.approx(3.0)
