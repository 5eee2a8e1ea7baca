import os
import signal

import pytest

from mirkit.batch import Failure, run_batch
from mirkit.errors import AudioError


def double(x):
    if x == 3:
        raise AudioError("three.wav is empty")
    if x == 4:
        raise ZeroDivisionError("a defect")
    if x == 5 and os.environ.get("MIRKIT_TEST_DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * x


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_results_come_in_order_and_one_failure_stops_nothing(n_jobs):
    outcomes = dict(run_batch(double, range(7), n_jobs))
    assert list(outcomes) == list(range(7))
    assert outcomes.pop(3) == Failure("AudioError", "three.wav is empty")
    assert outcomes.pop(4) == Failure("ZeroDivisionError", "4: internal error: a defect")
    assert outcomes == {x: 2 * x for x in outcomes}


def test_a_process_that_dies_takes_no_other_file_with_it(monkeypatch):
    monkeypatch.setenv("MIRKIT_TEST_DIE", "1")
    outcomes = dict(run_batch(double, [0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 2))
    assert outcomes.pop(5) == Failure("AudioError", "5: the process that read it died")
    assert outcomes == {x: 2 * x for x in outcomes}
    assert len(outcomes) == 12
