"""Benchmarks: estimates scored against references, one file or whole data sets at a time."""

from mirkit.evaluation.benchmark import Benchmark
from mirkit.evaluation.figures import draw
from mirkit.evaluation.items import Item
from mirkit.evaluation.pairs import Scores, score
from mirkit.evaluation.registry import BENCHMARKS
from mirkit.evaluation.report import Report
from mirkit.evaluation.run import evaluate

__all__ = ["BENCHMARKS", "Benchmark", "Item", "Report", "Scores", "draw", "evaluate", "score"]
