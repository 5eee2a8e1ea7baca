"""Score grounded captions on held-out recordings, and show ten of them: docs/captions.md.

MIRKIT_DATA names the data pack. References are the captions of the data pack, one per recording;
a caption that says the same of every recording stands beside them.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import report
from zero_shot import pool

PAGE = report.ROOT / "docs" / "captions.md"
ALWAYS = "A person speaking and music can be heard."
N_SHOWN = 10


def main() -> None:
    """Caption, score and write."""
    import mirkit
    from mirkit.metrics.caption import bleu, cider_d, meteor, rouge_l

    data = Path(os.environ["MIRKIT_DATA"])
    paths, truths = pool(data)
    found = [mirkit.caption(data / path) for path in paths]
    texts = {"grounded": [each.text for each in found], "always the same": [ALWAYS] * len(paths)}
    references = [[truth] for truth in truths]
    measures = {
        "CIDEr-D": cider_d, "METEOR (exact, stem)": meteor, "ROUGE-L": rouge_l,
        "BLEU-1": lambda a, b: bleu(a, b, 1),
    }  # fmt: skip
    scores = {
        name: {title: round(each(mine, references), 4) for title, each in measures.items()}
        for name, mine in texts.items()
    }
    rows = [[name, *row.values()] for name, row in scores.items()]
    table = report.table(["caption", *measures], rows)
    print(table)
    chosen = np.random.default_rng(0).choice(len(paths), N_SHOWN, replace=False)
    shown = [[truths[i], found[i].text, f"{found[i].confidence:.2f}"] for i in chosen]
    examples = report.table(["a person says", "mirkit says", "confidence"], shown)
    print(examples)
    report.write_between_markers(PAGE, "scores", table)
    report.write_between_markers(PAGE, "examples", examples)
    report.write_json("captions", {"n": len(paths), "scores": scores})


if __name__ == "__main__":
    main()
