"""The performance: blocks are heard on one thread, and what is due goes out on another."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirkit.hosts.live.clocks import Clock, MonotonicClock, MusicClock
from mirkit.hosts.live.conductor import Conductor
from mirkit.hosts.live.events import Event, Stop
from mirkit.hosts.live.keywatch import KeyWatch
from mirkit.hosts.live.outputs import Output
from mirkit.hosts.live.sources import Block
from mirkit.music.beat.follower import BeatUpdate
from mirkit.system import System


class Performer:
    """State that the two threads share: a conductor, the clocks and the outputs.

    Parameters
    ----------
    outputs
        Where events go.
    clock
        The machine's clock.
    lead
        How much earlier everything is to go out [s].
    """

    def __init__(
        self, outputs: Sequence[Output], clock: Clock | None = None, lead: float = 0.0
    ) -> None:
        self.outputs = tuple(outputs)
        self.clock = clock or MonotonicClock()
        self.music = MusicClock(lead)
        self.conductor = Conductor()
        self._news = threading.Condition()
        self._ended = False

    def arrive(self, block: Block) -> None:
        """Note when a block was there."""
        arrived = self.clock.now() if block.arrived is None else block.arrived
        with self._news:
            self.music.arrive(block.end, arrived)

    def hear(self, update: BeatUpdate) -> None:
        """Take in what was heard; what is due may change."""
        with self._news:
            self.conductor.hear(update)
            self._news.notify()

    def advance(self, now: float) -> None:
        """Send all that is due when the music is at `now` [s]."""
        while (due := self.conductor.next_time()) is not None and due <= now:
            for event in self.conductor.fire(max(due, 0.0)):
                self.send(event, event.time if isinstance(event, Stop) else max(due, event.time))

    def send(self, event: Event, sent: float) -> None:
        """Give an event to all outputs."""
        for output in self.outputs:
            output.send(event, sent)

    def step(self) -> float | None:
        """Send what is due now; return how long nothing will be [s], or None for not known."""
        if not self.music.known:
            return None
        music = self.music.music(self.clock.now())
        for event in self.conductor.fire(music):
            self.send(event, music)
        due = self.conductor.next_time()
        return None if due is None else self.music.machine(due) - self.clock.now()

    def run(self) -> None:
        """Send what is due, until `end` is called."""
        with self._news:
            while not self._ended:
                wait = self.step()
                if wait is None or wait > 0:
                    self._news.wait(wait)

    def end(self) -> None:
        """Stop `run`, and what pulses."""
        with self._news:
            self._ended = True
            self._news.notify()
            if self.conductor.running:
                now = self.conductor.last_beat or 0.0
                if self.music.known:
                    now = self.music.music(self.clock.now())
                self.send(Stop(now), now)


def perform(
    blocks: Iterable[Block],
    outputs: Sequence[Output],
    *,
    system: System[Any],
    fast: bool = False,
    clock: Clock | None = None,
    lead: float = 0.0,
    key: KeyWatch | None = None,
) -> None:
    """Follow music to its end, and send what is found.

    Parameters
    ----------
    blocks
        The music, at the rate of the system, as it comes.
    outputs
        Where events go; they are closed at the end.
    system
        A system of beats that streams, such as ``mirkit.load("beat-tcn-live")``.
    fast
        Whether time is that of the music: everything happens as it would live, at once.
    clock
        The machine's clock, where time is the machine's.
    lead
        How much earlier everything is to go out [s].
    key
        What listens for the key, or None for no key.
    """
    performer = Performer(outputs, clock, lead)
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(closing(output))
        stack.callback(performer.end)
        if not fast:
            thread = threading.Thread(target=performer.run, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(performer.end)
        for update in system.stream(_blocks_of(blocks, performer, fast, key)):
            performer.hear(update)


def _blocks_of(
    blocks: Iterable[Block], performer: Performer, fast: bool, key: KeyWatch | None
) -> Iterator[NDArray[np.float32]]:
    """Yield the samples of blocks; in fast time, what was due before a block was there goes out."""
    for block in blocks:
        if fast:
            performer.advance(block.end + performer.music.lead)
        else:
            performer.arrive(block)
        if key is not None:
            for found in key.hear(block.samples, block.end, wait=fast):
                performer.send(found, block.end)
        yield block.samples
