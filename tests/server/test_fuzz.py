"""Hostile input: mutated recordings, and whatever the OpenAPI document allows to be sent."""

import io
import os

import numpy as np
import pytest
import schemathesis
import soundfile
from hypothesis import HealthCheck, Phase, settings
from serving import DEMO

N_UPLOADS = int(os.environ.get("MIRKIT_FUZZ_UPLOADS", "12"))
N_EXAMPLES = int(os.environ.get("MIRKIT_FUZZ_EXAMPLES", "3"))
"""More by hand: MIRKIT_FUZZ_UPLOADS=300 MIRKIT_FUZZ_EXAMPLES=50 pytest tests/server/test_fuzz.py"""

FORMATS = (
    ("WAV", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("AIFF", "PCM_16"),
    ("MP3", None),
)


def mutated(rng):
    """A short recording, damaged: bytes changed, cut out, doubled, or the whole is noise."""
    kind, subtype = FORMATS[rng.integers(len(FORMATS))]
    file = io.BytesIO()
    samples = rng.uniform(-0.5, 0.5, (rng.integers(1, 30_000), rng.integers(1, 3)))
    soundfile.write(file, samples, 22050, format=kind, subtype=subtype)
    data = bytearray(file.getvalue())
    for _ in range(rng.integers(1, 30)):
        at = int(
            rng.integers(len(data)) if rng.random() < 0.5 else rng.integers(min(len(data), 128))
        )
        data[at] = int(rng.integers(256))
    cut = int(rng.integers(len(data)))
    data = [data, data[:cut], data[cut:], data + data[:cut], bytearray(rng.bytes(2000))][
        rng.integers(5)
    ]
    return f"x.{kind.lower()}", bytes(data) or b"\0"


def test_mutated_uploads_fail_alone(service):
    rng = np.random.default_rng(int(os.environ.get("MIRKIT_FUZZ_SEED", "0")))
    jobs = []
    for _ in range(N_UPLOADS):
        answer = service.upload(*mutated(rng))
        assert answer.status_code == 202, answer.text
        if answer.json()["job"]:
            jobs.append(answer.json()["job"]["id"])
    ended = [service.wait(job, 600) for job in jobs]
    assert {row["status"] for row in ended} <= {"done", "failed"}
    for row in ended:
        if row["status"] == "failed":
            assert row["error"]["type"] in ("AudioError", "WorkerDied", "ParameterError"), row
    assert service.http.get("/v1/health").json()["status"] == "ok"
    assert service.analyzed("demo.ogg", DEMO.read_bytes())


@pytest.fixture(scope="module")
def document(service):
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


def test_whatever_the_document_allows_is_answered_as_it_declares(service, document, demo_track):
    from hypothesis import given
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error, status_code_conformance, content_type_conformance,
        response_schema_conformance,
    ]  # fmt: skip
    n = 0
    for result in document.get_all_operations():
        operation = result.ok()
        if operation.path == "/v1/tracks/{track}" and operation.method == "delete":
            continue

        @settings(
            max_examples=N_EXAMPLES, deadline=None, database=None, derandomize=True,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def probe(case):
            if case.path_parameters and "track" in case.path_parameters:
                case.path_parameters["track"] = demo_track
            answer = case.call(base_url=service.url)
            case.validate_response(answer, checks=checks)

        probe()
        n += 1
    assert n >= 18
    assert service.http.get("/v1/health").status_code == 200
