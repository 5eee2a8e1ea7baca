"""``mirkit live``: follow music as it sounds, and send beats, tempo and key on the beat."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirkit.cli.arguments import bpm, decoding_options, meter

if TYPE_CHECKING:
    from mirkit.hosts.live.outputs import Output
    from mirkit.hosts.live.sources import Block

ENCODINGS = ("s16", "s32", "f32")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("input", nargs="?", metavar="FILE",
                        help="a recording, played at its speed; - for raw samples on stdin; "
                        "without it, the sound card")  # fmt: skip
    parser.add_argument("--fast", action="store_true", help="do not wait: time is the music's")
    parser.add_argument("--device", help="name or number of the sound card")
    parser.add_argument("--rate", type=int, default=44100, help="of raw samples [Hz]")
    parser.add_argument("--channels", type=int, default=2, help="of raw samples")
    parser.add_argument("--encoding", choices=ENCODINGS, default="s16", help="of raw samples")
    parser.add_argument("--osc", type=address, metavar="[HOST:]PORT", help="send OSC there")
    parser.add_argument("--ws", type=address, metavar="[HOST:]PORT", help="serve a WebSocket there")
    parser.add_argument("--midi", metavar="PORT", help="send MIDI clock to a port, a new one "
                        "(virtual:NAME) or a device (/dev/snd/midiC1D0)")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="print no JSON lines")
    parser.add_argument("--model", default="beat-tcn-live", metavar="NAME", help="one that streams")
    parser.add_argument("--key", action="store_true", help="tell the key too")
    parser.add_argument("--key-model", metavar="NAME", help="see `mirkit models`")
    parser.add_argument("--lead", type=float, default=0.0, metavar="MS",
                        help="send so much earlier, for the delays of card and lamps")  # fmt: skip
    parser.add_argument("--hint-bpm", type=bpm, metavar="BPM", help="choose the level nearest")
    parser.add_argument("--bpm-range", nargs=2, type=bpm, metavar=("LO", "HI"))
    parser.add_argument("--meter", type=meter, metavar="N[,N…]", help="beats in a bar")
    parser.set_defaults(usage_error=parser.error)


def address(text: str) -> tuple[str, int]:
    """Parse ``HOST:PORT``, or a port of this machine."""
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT or PORT, such as 9000")
    return host.strip("[]") or "127.0.0.1", int(port)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if args.fast and args.input is None:
        args.usage_error("--fast is for files and pipes; a sound card has its own speed")
    from mirkit.hosts.live.clocks import MonotonicClock
    from mirkit.hosts.live.performer import perform
    from mirkit.system import load

    options = decoding_options(args)
    system = load(args.model, task="beats", decoder="live", **options)
    clock = MonotonicClock()
    perform(
        _blocks(args, system.sample_rate, clock),
        _outputs(args),
        system=system,
        fast=args.fast,
        clock=clock,
        lead=args.lead / 1000,
        key=_key(args, system.sample_rate),
    )
    return 0


def _blocks(args: argparse.Namespace, rate: int, clock: Any) -> Iterator[Block]:
    from mirkit.hosts.live.sources import file_blocks, microphone, pace, raw_blocks

    if args.input is None:
        device = args.device
        return microphone(int(device) if device and device.isdigit() else device, rate, clock)
    if args.input == "-":
        return raw_blocks(sys.stdin.buffer, rate, args.rate, args.channels, args.encoding)
    blocks = file_blocks(args.input, rate)
    return blocks if args.fast else pace(blocks, clock)


def _outputs(args: argparse.Namespace) -> list[Output]:
    from mirkit.hosts.live.outputs import JsonLines, Osc

    outputs: list[Output] = [] if args.quiet else [JsonLines(sys.stdout)]
    if args.osc:
        outputs.append(Osc(*args.osc))
    if args.ws:
        from mirkit.hosts.live.websocket import WebSocket

        outputs.append(WebSocket(*args.ws))
    if args.midi:
        outputs.append(_midi(args.midi))
    return outputs


def _midi(target: str) -> Output:
    from mirkit.hosts.live.outputs import MidiDevice, MidiPort

    if "/" in target:
        return MidiDevice(Path(target))
    name = target.removeprefix("virtual:")
    return MidiPort(name, virtual=name != target)


def _key(args: argparse.Namespace, rate: int) -> Any:
    if not (args.key or args.key_model):
        return None
    from mirkit.hosts.live.keywatch import KeyWatch, default_find

    return KeyWatch(rate, default_find(args.key_model))
