"""Rock, pop, metal: bands with a backbeat; and the accompaniments that other styles share.

Tempi follow what listeners tap: the snare falls on beats 2 and 4. A half-time feel is therefore
written at the slower level, with sixteenths.
"""

from mirkit.rendering.arranger.style import Layer, Style, register

STRUM = (
    "x-s-x-s-x-s-x-s-",
    "x---x-s---s-x-s-",
    "x---x-s-x---x-s-",
    "x---s---x---s---",
    "x-.-x-s-.-s-x-s-",
    "x---x---x-s-x-s-",
)
EIGHTHS = ("x-x-x-x-x-x-x-x-", "x-s-x-s-x-s-x-s-", "x---x-x---x-x---")
ARPEGGIO = (
    "0121312101213121",
    "0-1-2-3-2-1-2-1-",
    "b-1-2-3-2-3-2-1-",
    "0-2-1-3-0-2-1-3-",
    "b---1-2-3---2-1-",
    "0-1-2-1-3-1-2-1-",
)
STABS = (
    "....x.......x...",
    "x.....x.........",
    "..x...x...x...x.",
    "x..x..x.....x...",
    "......x.......x.",
)
PAD = ("x---------------", "x-------x-------")
POWER = (
    "x.x.x.x.x.x.x.x.",
    "x-------x-------",
    "x.x.x-x.x.x-x-..",
    "x--x--x---x-x---",
    "xxxxxxxxxxxxxxxx",
    "x-------x---x---",
)
COMP = (
    "x---..x-..x-....",
    "x-..x-..x-..x-..",
    "x-----x-----x---",
    "..x-..x-..x-..x-",
    "x...x...x...x...",
)

ROCK_BEATS = (
    "K:X.......X....... S:....X.......X... H:x.x.x.x.x.x.x.x.",
    "K:X.....x.X....... S:....X.......X... H:X.x.X.x.X.x.X.x.",
    "K:X.......X.x..... S:....X.......X... H:x.x.x.x.x.x.x.x.",
    "K:X..x....X.x..... S:....X..g.g..X..g H:X.x.x.x.X.x.x.x.",
    "K:X.x...x.X.x....x S:....X.......X... H:x.x.x.x.x.x.x.x.",
    "K:X.......x.x..... S:....X.......X... D:X.x.X.x.X.x.X.x.",
    "K:X.....x...x.x... S:....X.......X... H:X.o.X.o.X.o.X.o.",
    "K:X.x.....X.x..... S:....X.......X... O:X...X...X...X...",
    "K:X...X...X...X... S:....X.......X... H:x.x.x.x.x.x.x.x.",
    "K:X.......X....... S:X...X...X...X... H:x.x.x.x.x.x.x.x.",
)

register(
    Style(
        "rock",
        (92, 124, 176),
        drums=ROCK_BEATS,
        kits=(0, 16, 16, 8, 0),
        bass=("kick", "roots8", "roots8", "riff", "roots4"),
        bass_kind="pickbass",
        layers=(
            Layer("distorted", POWER, 0.75, 52, 78),
            Layer("clean", STRUM + ARPEGGIO, 0.5, 57, 70),
            Layer("keys", EIGHTHS + PAD, 0.3, 62, 66),
            Layer("distorted", EIGHTHS + POWER, 0.4, 57, 70),
        ),
        lead="leadguitar",
        melody=(0.8, 1.1),
        families=("rock", "rock_minor", "pop"),
        manners=("tight", "human", "human", "loose"),
        fills=0.65,
        drumless=0.0,
    ),
    Style(
        "hard rock half-time",
        (60, 72, 88),
        drums=(
            "K:X.....x...x..... S:....X.......X... H:x.x.x.x.x.x.x.x.",
            "K:X..x......x..... S:....X.......X... O:X...X...X...X...",
            "K:X.x.......xx.... S:....X.......X... D:X.x.X.x.X.x.X.x.",
            "K:X......x.xx..... S:....X.......X..g H:X.x.X.x.X.x.X.x.",
        ),
        kits=(16, 16, 0),
        bass=("kick", "riff", "roots8"),
        bass_kind="pickbass",
        layers=(
            Layer(
                "distorted",
                ("x---x---x-x-x---", "x-------x-x-x-x-", "x.x.x-x.x.x.x-x-"),
                1.0,
                50,
                84,
            ),
            Layer("strings", PAD, 0.3, 64, 60),
            Layer("clean", ARPEGGIO, 0.4, 60, 66),
        ),
        lead="leadguitar",
        melody=(0.75, 1.6),
        families=("rock_minor", "rock", "metal"),
        manners=("tight", "human"),
        fills=0.7,
        drumless=0,
        grid=4,
    ),
    Style(
        "metal",
        (92, 132, 200),
        drums=(
            "K:xxxxxxxxxxxxxxxx S:....X.......X... O:X...X...X...X...",
            "K:X.xxX.xxX.xxX.xx S:....X.......X... D:X.x.X.x.X.x.X.x.",
            "K:x.x.x.x.x.x.x.x. S:....X.......X... D:X...X...X...X...",
            "K:X..xX.x.X..xX.x. S:....X.......X... O:X...X...X...X...",
            "K:X.x...xxX.x...xx S:....X.......X... B:X...X...X...X...",
            "K:XxxxXxxxXxxxXxxx S:....X.......X... X:X............... O:....X...X...X...",
        ),
        kits=(16, 16, 0),
        bass=("gallop", "roots8", "kick", "roots16", "riff"),
        bass_kind="pickbass",
        layers=(
            Layer(
                "distorted",
                (
                    "x.xxx.xxx.xxx.xx",
                    "xxxxxxxxxxxxxxxx",
                    "x-x.xxx-x-x.xxxx",
                    "x-------x-------",
                    "x--x--x---x-x-xx",
                    "x.x.x.x.x.x.x.x.",
                ),
                1.0,
                46,
                88,
            ),
            Layer(
                "distorted",
                ("x---------------", "x-------x-------", "x.xxx.xxx.xxx.xx"),
                0.85,
                52,
                82,
            ),
        ),
        lead="leadguitar",
        melody=(0.5, 2.2),
        families=("metal", "rock_minor"),
        manners=("tight", "tight", "human"),
        fills=0.75,
        drumless=0,
        grid=4,
    ),
    Style(
        "thrash and punk",
        (148, 178, 216),
        drums=(
            "K:X.x.X.x.X.x.X.x. S:....X.......X... H:x...x...x...x...",
            "K:X...X...X...X... S:....X.......X... O:X...X...X...X...",
            "K:X.....x.X.....x. S:....X.......X... H:x.x.x.x.x.x.x.x.",
            "K:X...X...X...X... S:..X...X...X...X. D:X.x.X.x.X.x.X.x.",
            "K:X...x...X.x.x... S:....X.......X... D:X.x.X.x.X.x.X.x.",
        ),
        kits=(16, 0),
        bass=("roots8", "roots8", "kick"),
        bass_kind="pickbass",
        layers=(
            Layer(
                "distorted",
                ("x.x.x.x.x.x.x.x.", "x-x-x-x-x-x-x-x-", "x---x---x-x-x-x-", "x-------x-------"),
                1.0,
                50,
                90,
            ),
            Layer("distorted", ("x---------------", "x.x.x.x.x.x.x.x."), 0.6, 55, 84),
        ),
        lead="leadguitar",
        melody=(0.6, 1.0),
        families=("rock", "rock_minor", "metal"),
        manners=("tight", "human", "loose"),
        fills=0.75,
        drumless=0,
    ),
    Style(
        "pop",
        (76, 108, 136),
        drums=(
            *ROCK_BEATS[:6],
            "K:X...x...X...x... C:....X.......X... H:..x...x...x...x.",
            "K:X.....x...x..... S:....X.......X... Z:xoxoxoxoxoxoxoxo",
            "K:X.....x...x..... C:....X.......X... H:xxxxxxxxxxxxxxxx",
        ),
        kits=(0, 8, 24, 25, 16),
        bass=("kick", "roots8", "roots4", "whole", "riff"),
        layers=(
            Layer("piano", EIGHTHS + PAD + ARPEGGIO, 0.6, 62, 68),
            Layer("acoustic", STRUM, 0.5, 57, 66),
            Layer("pad", PAD, 0.45, 60, 56),
            Layer("clean", ARPEGGIO + STABS, 0.4, 60, 62),
            Layer("strings", PAD, 0.35, 67, 58),
            Layer("pluck", ARPEGGIO, 0.25, 72, 62),
        ),
        lead="voice",
        melody=(0.9, 1.3),
        families=("pop",),
        manners=("machine", "tight", "tight", "human"),
        electronic=0.35,
        fills=0.5,
        drumless=0.08,
    ),
    Style(
        "synth pop",
        (98, 118, 148),
        drums=(
            "K:X...X...X...X... S:....X.......X... H:x.x.x.x.x.x.x.x.",
            "K:X.......X....... S:....X.......X... H:xxxxxxxxxxxxxxxx",
            "K:X.....x.X....... C:....X.......X... H:x.xxx.xxx.xxx.xx",
            "K:X..x..x.X..x.... S:....X.......X... O:..x...x...x...x.",
        ),
        kits=(24, 25, 24),
        bass=("roots8", "roots16", "octaves", "riff"),
        bass_kind="synthbass",
        layers=(
            Layer("pad", PAD, 0.7, 62, 62),
            Layer("pluck", ARPEGGIO, 0.7, 70, 66),
            Layer("synth", STABS + EIGHTHS, 0.4, 64, 64),
        ),
        lead="synthlead",
        melody=(0.8, 1.3),
        families=("pop", "edm"),
        manners=("machine", "machine", "tight"),
        electronic=0.6,
        drumless=0.03,
    ),
)
