"""Stores that several processes write to."""

import multiprocessing
import time

import numpy as np
import pytest

from mirkit.errors import ParameterError
from mirkit.training.stores import INDEX, appending, mapped, rows_of

HEADER = {"made_by": "a test"}


def add(folder, barrier, names):
    """Append a row of its own for each name that is not there, slowly enough to be met."""
    barrier.wait(60)
    with appending(folder, "values.f16", HEADER, "n", 4) as store:
        have = {row["name"] for row in store.rows}
        for name in names:
            if name not in have:
                values = np.full((name % 7 + 1, 2), name, np.float16)
                time.sleep(0.002)
                store.append(values, {"name": name, "first": store.first, "n": len(values)})


def test_processes_that_append_at_once_wait_for_each_other(tmp_path):
    folder = tmp_path / "store"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    ranges = [range(0, 200), range(100, 300), range(0, 300)]
    workers = [context.Process(target=add, args=(folder, barrier, names)) for names in ranges]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    header, *rows = rows_of(folder / INDEX)
    assert header == HEADER
    assert sorted(row["name"] for row in rows) == list(range(300))
    values = mapped(folder / "values.f16", np.float16, 2)
    assert len(values) == sum(row["n"] for row in rows)
    for row in rows:
        own = values[row["first"] : row["first"] + row["n"]]
        assert (own == row["name"]).all()


def test_a_store_keeps_its_header(tmp_path):
    with appending(tmp_path / "store", "values.f16", HEADER, "n", 4):
        pass
    with (
        pytest.raises(ParameterError, match=r"made with .*a test.*another"),
        appending(tmp_path / "store", "values.f16", {"made_by": "another"}, "n", 4),
    ):
        pass
