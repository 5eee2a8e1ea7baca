"""How often intervals of tags hold what they should: the percentile bootstrap beside BCa.

Boards are drawn from a population of 10 classes whose measures are known. Two numbers may be wanted
of an interval: the measure of other boards of the same size, on average, or that of the population,
which small boards overestimate for mean average precision and calibration error. Writes a table
into docs/evaluation.md and benchmarks/results/intervals.json.

B. Efron, "Better bootstrap confidence intervals", JASA 82, 1987.

Run: python benchmarks/intervals.py [--boards N] [--draws N]
"""

import argparse

import numpy as np
import report
from scipy.stats import norm

from mirkit.evaluation.statistics import interval, resample
from mirkit.evaluation.tag_measures import TagMeasures, Truth

N_CLASSES = 10
LABELS = tuple(f"class {i}" for i in range(N_CLASSES))
SIZES = (60, 120, 400)
SKILLS = {"poor": 1.0, "good": 2.5}
MEASURES = {"map": "mAP", "auc": "AUC", "accuracy": "accuracy", "ece": "ECE"}
POPULATION = 20_000
TAILS = norm.ppf([0.025, 0.975])


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--draws", type=int, default=400)
    args = parser.parse_args()
    rows = [
        (system, n, *row)
        for system, skill in SKILLS.items()
        for n in SIZES
        for row in simulate(n, skill, args.boards, args.draws)
    ]
    header = ("system", "clips", "measure", "of the population", "of such boards",
              "percentile: boards", "population", "BCa: boards", "population")  # fmt: skip
    cells = [(*row[:3], *(f"{x:.3f}" for x in row[3:5]), *(f"{x:.0%}" for x in row[5:]))
             for row in rows]  # fmt: skip
    text = report.table(header, cells)
    print(text)
    report.write_between_markers(report.ROOT / "docs" / "evaluation.md", "coverage", text)
    report.write_json("intervals", {"boards": args.boards, "draws": args.draws, "rows": rows})


def simulate(n: int, skill: float, n_boards: int, n_draws: int) -> list[tuple]:
    """Return a row for each measure: its true and its mean value, and the coverages."""
    rng = np.random.default_rng(1)
    population = measures_of(rng, POPULATION, skill)
    names = list(population.columns)
    true = population(np.ones((1, POPULATION)))[0][0]
    values, ends = [], []
    for seed in range(n_boards):
        board = measures_of(rng, n, skill)
        drawn = resample(lambda times, board=board: board(times)[0], n, n_draws, seed, 200)
        without_one = board(1 - np.eye(n))[0]
        values.append(drawn[0])
        ends.append([both(drawn[:, i], without_one[:, i]) for i in range(len(names))])
    low, high = np.moveaxis(np.array(ends), -1, 0)  # (n_boards, n_measures, 2)
    mean = np.mean(values, axis=0)
    held = {
        kind: ((low <= target[:, None]) & (target[:, None] <= high)).mean(0)
        for kind, target in (("boards", mean), ("population", true))
    }
    rows = []
    for name, label in MEASURES.items():
        i = names.index(name)
        shares = [float(held[kind][i, k]) for k in (0, 1) for kind in held]
        rows.append((label, float(true[i]), float(mean[i]), *shares))
    return rows


def measures_of(rng: np.random.Generator, n: int, skill: float) -> TagMeasures:
    """Return a board of clips of one label each, heard with some skill."""
    truth = np.eye(N_CLASSES, dtype=bool)[rng.integers(0, N_CLASSES, n)]
    odds = rng.normal(size=truth.shape) - 1 + skill * truth
    return TagMeasures(Truth(LABELS, truth, counts=np.ones(N_CLASSES)), 1 / (1 + np.exp(-odds)))


def both(column: np.ndarray, without_one: np.ndarray) -> list[list[float]]:
    """Return the ends of the percentile interval and of BCa."""
    found = interval(column, len(without_one), len(without_one))
    return [[found.low, found.high], bca(column, without_one)]


def bca(column: np.ndarray, without_one: np.ndarray) -> list[float]:
    """Return the ends of the bias-corrected and accelerated interval, accelerated by jackknife."""
    drawn = column[1:]
    below = (np.sum(drawn < column[0]) + np.sum(drawn == column[0]) / 2) / len(drawn)
    bias = norm.ppf(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    pull = without_one.mean() - without_one
    spread = np.sum(pull**2)
    acceleration = np.sum(pull**3) / (6 * spread**1.5) if spread else 0.0
    shifted = bias + TAILS
    return np.quantile(drawn, norm.cdf(bias + shifted / (1 - acceleration * shifted))).tolist()


if __name__ == "__main__":
    main()
