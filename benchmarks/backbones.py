"""What each audio-classification backbone is and costs: sizes, multiplications, times real time.

Sizes and multiplications come from the networks without arithmetic (torch's meta device); times are
processor times of one core on ten seconds of features or samples with random weights, the best of a
few. Front ends are not in them (docs/front_ends.md has these). Writes docs/backbones.md and
benchmarks/results/backbones.json; what a run leaves out keeps its last measurement.

Run: python benchmarks/backbones.py [PATTERN...] [--rounds N]
"""

import argparse
import fnmatch
import importlib
import json
import math
from typing import Any

import report

SECONDS = 10
PAGE = report.ROOT / "docs" / "backbones.md"
RESULTS = report.ROOT / "benchmarks" / "results" / "backbones.json"

# Mean average precision on AudioSet's evaluation set of one network, as its authors give it with
# the released file; every laboratory's copy of that set lacks other clips.
PUBLISHED = {
    "ast": 0.459,
    "beats-iter3": 0.486,
    "cnn6": 0.343,
    "cnn10": 0.380,
    "cnn14": 0.431,
    "cnn14-16k": 0.438,
    "cnn14-decision-max": 0.385,
    "cnn14-decision-att": 0.425,
    "dymn04": 0.450,
    "dymn10": 0.477,
    "dymn20": 0.493,
    "htsat": 0.471,
    "mn01": 0.298,
    "mn02": 0.378,
    "mn04": 0.432,
    "mn05": 0.443,
    "mn10": 0.471,
    "mn20": 0.478,
    "mn30": 0.482,
    "mn40": 0.484,
    "mn40-ext": 0.487,
    "mobilenet-v1": 0.389,
    "mobilenet-v2": 0.383,
    "passt-s": 0.476,
    "passt-s-kd": 0.486,
    "passt-s-s12": 0.473,
    "passt-s-s14": 0.471,
    "passt-s-s16": 0.473,
    "resnet22": 0.430,
    "resnet38": 0.434,
    "resnet54": 0.429,
    "wavegram-logmel-cnn14": 0.439,
}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of models, such as mn*")
    parser.add_argument("--rounds", type=int, default=3, help="measurements, the best of which is")
    args = parser.parse_args()
    report.use_one_core()
    import torch

    torch.set_num_threads(1)
    known = json.loads(RESULTS.read_text())["models"] if RESULTS.exists() else {}
    cards = tagging_cards()
    rows = {card.name: known.get(card.name, {}) | facts(card) for card in cards}
    for card in cards:
        if any(fnmatch.fnmatchcase(card.name, pattern) for pattern in args.patterns):
            rows[card.name]["cpu_seconds"] = round(least_seconds(card, args.rounds), 4)
            rows[card.name]["measured"] = report.machine()
            print(card.name, rows[card.name]["cpu_seconds"], flush=True)
    write(cards, rows)


def write(cards: list[Any], rows: dict[str, dict[str, Any]]) -> None:
    """Write both tables and the results."""
    report.write_between_markers(PAGE, "kinds", kinds(cards, rows))
    report.write_between_markers(PAGE, "costs", costs(rows))
    report.write_json("backbones", {"models": rows})


def tagging_cards() -> list[Any]:
    """Return the cards that name a backbone."""
    import mirkit

    return [card for card in mirkit.models() if card.config.get("backbone")]


def make(card: Any) -> Any:
    """Return the backbone of a card, at its full size."""
    from mirkit.sound.tag.config import TagConfig

    config = TagConfig.from_dict(card.config)
    assert config.backbone is not None
    module, _, name = config.backbone.partition(":")
    return getattr(importlib.import_module(module), name)(**config.network).eval()


def inputs(net: Any) -> tuple[list[Any], float]:
    """Return zeros for one clip, and how many of them make up ten seconds."""
    import torch

    from mirkit.features import front_end

    n_samples = SECONDS * net.sample_rate
    made = []
    n_windows = 1.0
    for i, kind in enumerate(net.inputs):
        front = None if kind == "samples" else front_end(net.front_end)
        length = n_samples if front is None else front.n_frames(n_samples)
        if i == 0 and net.max_length is not None and net.max_length < length:
            n_windows = length / net.max_length
            length = net.max_length
        shape = (1, length) if front is None else (1, length, front.n_bins)
        made.append(torch.zeros(shape))
    return made, n_windows


def facts(card: Any) -> dict[str, Any]:
    """Return what needs no arithmetic: size, multiplications, lengths."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        net = make(card)
        clip, n_windows = inputs(net)
        with FlopCounterMode(display=False) as counter:
            net(*clip)
    return {
        "millions": round(sum(p.numel() for p in net.parameters()) / 1e6, 3),
        "gmacs": round(counter.get_total_flops() / 2e9 * n_windows, 3),
        "shortest": net.min_length[0] / rate(net),
        "longest": None if net.max_length is None else net.max_length / rate(net),
        "step": None if net.step is None else net.step / rate(net),
        "exports": net.exports,
        "n_embedding": net.n_embedding,
    }


def rate(net: Any) -> float:
    """Return the places of the first input of a network to a second."""
    from mirkit.features import front_end

    return net.sample_rate if net.inputs[0] == "samples" else front_end(net.front_end).grid.fps


def least_seconds(card: Any, rounds: int) -> float:
    """Return the least processor time for ten seconds of sound [s]."""
    import torch

    net = make(card)
    clip, n_windows = inputs(net)
    clip = [x.normal_() for x in clip]
    with torch.inference_mode():
        net(*clip)  # memory is taken, kernels are chosen
        return report.least_cpu_seconds([lambda: net(*clip)], rounds)[0] * n_windows


def kinds(cards: list[Any], rows: dict[str, dict[str, Any]]) -> str:
    """Return the table of what each backbone is."""
    header = ("model", "what it is", "front end", "shortest [s]", "longest at once [s]",
              "frames every [ms]", "embedding", "ONNX", "license", "weights")  # fmt: skip
    return report.table(header, [kind(card, rows[card.name]) for card in cards])


def kind(card: Any, row: dict[str, Any]) -> tuple[object, ...]:
    """Return one row of the table of kinds."""
    weights = "untrained"
    if card.weights is not None:
        weights = "`mirkit models download`" if "://" in card.weights else "shipped"
    elif card.obtain is not None:
        weights = "by hand"
    return (
        f"`{card.name}`", card.summary, card.front_end or f"samples, {card.sample_rate} Hz",
        f"{row['shortest']:.2f}", "any" if row["longest"] is None else f"{row['longest']:.1f}",
        "–" if row["step"] is None else f"{1000 * row['step']:.0f}",
        row["n_embedding"], "yes" if row["exports"] else "no", card.license_weights, weights,
    )  # fmt: skip


def costs(rows: dict[str, dict[str, Any]]) -> str:
    """Return the table of what each backbone costs, the cheapest first."""
    header = ("model", "parameters [M]", "GMAC / 10 s", "processor [s] / 10 s",
              "times real time, one core", "GMAC/s", "AudioSet mAP, published")  # fmt: skip
    ranked = sorted(rows.items(), key=lambda item: item[1]["gmacs"])
    text = report.table(header, [cost(name, row) for name, row in ranked])
    machines = [row["measured"] for row in rows.values() if "measured" in row]
    if not machines:
        return text
    loads = [machine["load"][0] for machine in machines]
    dates = sorted({machine["date"] for machine in machines})
    return (
        f"{text}\n\n{machines[0]['processor']}; load {min(loads):.0f} to {max(loads):.0f}; "
        f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}."
    )


def cost(name: str, row: dict[str, Any]) -> tuple[object, ...]:
    """Return one row of the table of costs."""
    seconds = row.get("cpu_seconds", math.nan)
    times = ("–",) * 3
    if not math.isnan(seconds):
        times = (f"{seconds:.3f}", f"{SECONDS / seconds:.0f}", f"{row['gmacs'] / seconds:.1f}")
    published = f"{PUBLISHED[name]:.3f}" if name in PUBLISHED else "–"
    return (f"`{name}`", f"{row['millions']:.2f}", f"{row['gmacs']:.3f}", *times, published)


if __name__ == "__main__":
    main()
