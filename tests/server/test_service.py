"""The service over HTTP: tracks, corrections, exports, and everything that wants to harm it."""

import asyncio
import io
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from pyrekordbox.rbxml import RekordboxXml
from serving import DEMO, serving

import mirkit
from mirkit.server.guard import token_of
from mirkit.server.settings import allowed_path, hash_token


@pytest.fixture
def fresh(service, demo_track):
    """The demo track without corrections."""
    while service.http.post(f"/v1/tracks/{demo_track}/undo").status_code == 200:
        pass
    return demo_track


def beats_of(answer):
    assert answer.status_code == 200, answer.text
    return np.array([beat["time"] for beat in answer.json()["annotation"]["beats"]])


def edit(service, track, **body):
    return service.http.patch(f"/v1/tracks/{track}/grid", json=body)


def test_what_the_service_finds_is_what_the_package_finds(service, fresh):
    body = service.http.get(f"/v1/tracks/{fresh}/beats").json()
    expected = mirkit.beats(DEMO)
    assert body["source"] == "model"
    assert body["revision"] == 0
    times = [beat["time"] for beat in body["annotation"]["beats"]]
    assert times == pytest.approx(expected.times.tolist(), abs=1e-9)
    track = service.http.get(f"/v1/tracks/{fresh}").json()
    assert track["bpm"] == pytest.approx(112, abs=0.1)
    assert (track["key"], track["camelot"]) == ("C major", "8B")
    for task in ("chords", "key", "sections", "tags", "tempo"):
        assert service.http.get(f"/v1/tracks/{fresh}/{task}").status_code == 200


def test_the_same_content_is_the_same_track(service, demo_track):
    body = service.upload("other name.ogg", DEMO.read_bytes()).json()
    assert body == {"track": demo_track, "job": None}


def test_corrections_are_kept_as_human_and_undone(service, fresh):
    before = beats_of(service.http.get(f"/v1/tracks/{fresh}/beats"))
    answer = edit(service, fresh, op="nudge", seconds=0.02)
    assert beats_of(answer) == pytest.approx(before + 0.02)
    assert answer.json()["source"] == "human"
    assert beats_of(edit(service, fresh, op="one_tempo")).size > before.size
    undone = service.http.post(f"/v1/tracks/{fresh}/undo")
    assert beats_of(undone) == pytest.approx(before + 0.02)
    redone = service.http.post(f"/v1/tracks/{fresh}/redo")
    assert beats_of(redone).size > before.size
    history = service.http.get(f"/v1/tracks/{fresh}/corrections/history").json()
    assert [row["action"] for row in history["edits"]] == ["nudge", "one_tempo"]
    assert service.http.get(f"/v1/tracks/{fresh}").json()["corrected"] == ["beats"]


def test_a_hint_decodes_the_stored_activations(service, fresh):
    found = beats_of(edit(service, fresh, op="hint", bpm=56))
    expected = mirkit.beats(DEMO, hint_bpm=56)
    assert found == pytest.approx(expected.times)


def test_chords_tags_and_keys_are_relabeled(service, fresh):
    url = f"/v1/tracks/{fresh}"
    changed = service.http.patch(f"{url}/chords/label", json={"index": 1, "label": "D:min7"})
    assert changed.json()["annotation"]["chords"][1]["label"] == "D:min7"
    wrong = service.http.patch(f"{url}/chords/label", json={"index": 1, "label": "Dm7"})
    assert wrong.status_code == 422
    assert "D:min7" in wrong.json()["error"]["message"]
    key = service.http.patch(f"{url}/key/label", json={"label": "8A"}).json()
    assert key["annotation"]["key"]["label"] == "A minor"
    n = len(service.http.get(f"{url}/tags").json()["annotation"]["tags"])
    tags = service.http.patch(f"{url}/tags/label", json={"index": 0, "label": ""}).json()
    assert len(tags["annotation"]["tags"]) == n - 1


def test_a_corrected_grid_is_exported_to_rekordbox(service, fresh, tmp_path):
    edit(service, fresh, op="set_bpm", bpm=112.5, anchor=2.0)
    answer = service.http.get(
        f"/v1/tracks/{fresh}/export", params={"format": "rekordbox", "location": "/music/a b.ogg"}
    )
    (tmp_path / "r.xml").write_bytes(answer.content)
    (track,) = RekordboxXml(tmp_path / "r.xml").get_tracks()
    (tempo,) = track.tempos
    assert tempo["Bpm"] == 112.5
    assert (2.0 - tempo["Inizio"]) % (60 / 112.5) == pytest.approx(0, abs=0.002)
    assert track["Location"].endswith("music/a b.ogg")


@pytest.mark.parametrize("format", ["traktor", "virtualdj", "jams", "midi", "json", "reaper"])
def test_every_format_is_written(service, demo_track, format):
    answer = service.http.get(f"/v1/tracks/{demo_track}/export", params={"format": format})
    assert answer.status_code == 200
    assert answer.content
    assert "attachment" in answer.headers["content-disposition"]


def test_serato_tags_come_in_a_copy_of_the_recording(service, clicks, tmp_path):
    samples, rate = soundfile.read(clicks)
    soundfile.write(tmp_path / "c.flac", samples, rate)
    track = service.analyzed("c.flac", (tmp_path / "c.flac").read_bytes())
    answer = service.http.get(f"/v1/tracks/{track}/export", params={"format": "serato"})
    assert answer.status_code == 200, answer.text
    assert b"SERATO_BEATGRID" in answer.content
    again, _ = soundfile.read(io.BytesIO(answer.content))
    assert np.array_equal(again, samples)


def test_audio_is_sent_in_ranges(service, demo_track):
    part = service.http.get(f"/v1/tracks/{demo_track}/audio", headers={"range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == DEMO.read_bytes()[10:20]
    past = service.http.get(f"/v1/tracks/{demo_track}/audio", headers={"range": "bytes=99999999-"})
    assert past.status_code == 416


def test_what_browsers_do_not_play_is_sent_as_flac(service, clicks, tmp_path):
    samples, rate = soundfile.read(clicks)
    soundfile.write(tmp_path / "c.aiff", samples, rate)
    track = service.analyzed("c.aiff", (tmp_path / "c.aiff").read_bytes())
    assert service.http.get(f"/v1/tracks/{track}/audio").content[:4] == b"fLaC"


def test_progress_comes_over_a_websocket(service, clicks):
    from websockets.sync.client import connect

    samples, rate = soundfile.read(clicks)
    file = io.BytesIO()
    soundfile.write(file, samples * 0.5, rate, format="WAV")
    job = service.upload("half.wav", file.getvalue()).json()["job"]["id"]
    url = service.url.replace("http", "ws")
    with connect(f"{url}/v1/jobs/{job}/progress", proxy=None) as socket:
        messages = [json.loads(message) for message in socket]
    assert messages[-1]["status"] == "done"
    shares = [message["progress"] for message in messages]
    assert shares == sorted(shares)
    assert len(messages) > 2


def test_a_job_is_canceled_and_the_next_one_runs(service):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050 * 150)
    file = io.BytesIO()
    soundfile.write(file, noise, 22050, format="WAV", subtype="PCM_16")
    job = service.upload("noise.wav", file.getvalue()).json()["job"]["id"]
    while service.http.get(f"/v1/jobs/{job}").json()["status"] == "queued":
        time.sleep(0.05)
    assert service.http.delete(f"/v1/jobs/{job}").json()["status"] == "canceled"
    assert service.wait(job)["status"] == "canceled"
    service.analyzed("demo.ogg", DEMO.read_bytes())


def test_a_worker_that_is_killed_fails_its_job_and_nothing_else(service, demo_track):
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 22050 * 150)
    file = io.BytesIO()
    soundfile.write(file, noise, 22050, format="WAV", subtype="PCM_16")
    job = service.upload("killed.wav", file.getvalue()).json()["job"]["id"]
    while service.http.get(f"/v1/jobs/{job}").json()["status"] == "queued":
        time.sleep(0.05)
    (worker,) = children_of(service.process.pid)
    os.kill(worker, signal.SIGKILL)
    ended = service.wait(job)
    assert ended["status"] == "failed"
    assert ended["error"]["type"] == "WorkerDied"
    assert service.http.get(f"/v1/tracks/{demo_track}/beats").status_code == 200
    again = service.http.post(f"/v1/tracks/{demo_track}/analysis", json={"tasks": ["key"]}).json()
    assert service.wait(again["job"]["id"])["status"] == "done"


def children_of(pid):
    """The worker processes of the service."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"mirkit.server.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                yield int(child)


def test_paths_below_the_roots_are_taken_and_no_others(service, clicks, tmp_path):
    inside = service.root / "inside.wav"
    inside.write_bytes(clicks.read_bytes())
    (service.root / "link.wav").symlink_to(clicks)
    (service.root / "folder").mkdir()
    (service.root / "up").symlink_to(tmp_path)
    taken = service.http.post("/v1/tracks", data={"path": str(inside)})
    assert taken.status_code == 202
    for path in (
        clicks, service.root / "link.wav", service.root / "up" / "clicks.wav", service.root,
        f"{service.root}/../{tmp_path.name}/clicks.wav", "/etc/passwd", "\0", "~root",
        "/proc/self/mem", service.root / "gone.wav", service.root / "folder",
    ):  # fmt: skip
        answer = service.http.post("/v1/tracks", data={"path": str(path)})
        assert answer.status_code == 422, path
        assert "may read" in answer.json()["error"]["message"]
    assert allowed_path(str(inside), (service.root,)) == inside.resolve()


def test_names_of_uploads_are_no_paths(service, clicks):
    body = service.upload('../../../tmp/<img src=x>".wav', clicks.read_bytes()).json()
    track = service.http.get(f"/v1/tracks/{body['track']}").json()
    assert "/" not in track["name"]
    assert "<" not in track["name"]
    for url in (
        "/v1/tracks/..%2f..%2fetc%2fpasswd",
        "/static/..%2f..%2fapp.py",
        "/static/../app.py",
    ):
        assert service.http.get(url).status_code in (404, 405, 422)


def test_large_bodies_are_refused_while_they_come(service):
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as known:
        known.sendall(
            b"POST /v1/tracks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"
        )
        assert known.recv(100).startswith(b"HTTP/1.1 413")

    def endless():
        for _ in range(40):
            yield bytes(2**20)

    try:
        told = service.http.post(
            "/v1/tracks", content=endless(),
            headers={"content-type": "multipart/form-data; boundary=x"},
        ).status_code  # fmt: skip
    except httpx.TransportError:
        told = 413  # the service hung up while we were still sending
    assert told in (400, 413)
    small = service.http.patch("/v1/tracks/0123456789abcdef/grid", content=bytes(2 * 2**20))
    assert small.status_code == 413
    assert service.http.get("/v1/health").status_code == 200


def test_long_recordings_are_refused(service):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(8000 * 200), 8000, format="FLAC")
    job = service.upload("long.flac", file.getvalue()).json()["job"]["id"]
    ended = service.wait(job)
    assert ended["status"] == "failed"
    assert "longer than 3 minutes" in ended["error"]["message"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost.evil.example"])
def test_foreign_hosts_are_refused(service, host):
    answer = service.http.get("/v1/tracks", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:1"},
    ],
)
def test_pages_elsewhere_change_nothing(service, fresh, headers):
    answer = service.http.patch(f"/v1/tracks/{fresh}/grid", json={"op": "halve"}, headers=headers)
    assert answer.status_code == 403
    own = service.http.patch(
        f"/v1/tracks/{fresh}/grid", json={"op": "halve"}, headers={"origin": service.url}
    )
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers


def test_websockets_of_pages_elsewhere_are_refused(service):
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    url = service.url.replace("http", "ws")
    with pytest.raises(InvalidStatus):
        connect(f"{url}/v1/jobs/{'0' * 16}/progress", origin="https://evil.example", proxy=None)


def test_pages_load_nothing_from_elsewhere(service):
    for path in ("/", "/docs", "/openapi.json"):
        answer = service.http.get(path)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_metrics_count_what_happened(service, demo_track):
    text = service.http.get("/v1/metrics").text
    numbers = dict(line.split() for line in text.splitlines())
    assert int(numbers["mirkit_jobs_done_total"]) >= 1
    assert int(numbers["mirkit_tracks"]) >= 1


def test_a_token_is_needed_beyond_this_machine(tmp_path):
    with serving(tmp_path, "--host", "0.0.0.0", "--allow-host", "studio.local") as service:
        token = service.lines[0].split()[1]
        assert token not in "".join(p.read_text() for p in tmp_path.glob("*.sha256"))
        assert service.http.get("/v1/health").status_code == 200
        for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "mirkit_token=wrong"}):
            assert service.http.get("/v1/tracks", headers=headers).status_code == 401
        right = {"authorization": f"Bearer {token}"}
        assert service.http.get("/v1/tracks", headers=right).status_code == 200
        named = {**right, "host": "studio.local"}
        assert service.http.get("/v1/tracks", headers=named).status_code == 200
        assert service.http.post("/v1/session", json={"token": "wrong"}).status_code == 401
        assert service.http.post("/v1/session", json={"token": token}).status_code == 204
        assert service.http.get("/v1/tracks").status_code == 200
        flags = service.http.cookies.jar
        assert all(cookie.has_nonstandard_attr("HttpOnly") for cookie in flags)


def test_tokens_are_read_from_headers_and_cookies():
    assert token_of({"authorization": "bearer a"}) == "a"
    assert token_of({"cookie": "x=1; mirkit_token=b"}) == "b"
    assert token_of({"cookie": "broken;;;=\x01"}) == ""
    assert len(hash_token("a")) == 64


def test_jobs_survive_the_end_of_the_service(tmp_path, clicks):
    with serving(tmp_path) as service:
        noise = np.random.default_rng(2).uniform(-0.5, 0.5, 22050 * 60)
        file = io.BytesIO()
        soundfile.write(file, noise, 22050, format="WAV")
        jobs = [
            service.upload(name, content).json()["job"]["id"]
            for name, content in (("a.wav", file.getvalue()), ("b.wav", clicks.read_bytes()))
        ]
        while service.http.get(f"/v1/jobs/{jobs[0]}").json()["status"] == "queued":
            time.sleep(0.05)
    with serving(tmp_path) as service:
        assert [service.wait(job)["status"] for job in jobs] == ["done", "done"]


def test_a_slow_client_is_sent_away():
    from mirkit.server.guard import Guard
    from mirkit.server.settings import Settings

    sent = []

    async def app(scope, receive, send):
        message = await receive()
        assert message["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    async def silent():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    guard = Guard(app, Settings(folder=Path("unused"), stall_seconds=0.05))
    scope = {
        "type": "http", "method": "POST", "path": "/v1/tracks", "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"localhost")],
    }  # fmt: skip
    with ThreadPoolExecutor(1) as thread:  # playwright's loop runs in this one
        thread.submit(asyncio.run, asyncio.wait_for(guard(scope, silent, send), 5)).result()
    assert [message.get("status") for message in sent] == [408, None]


def test_too_many_requests_are_told_to_wait():
    from mirkit.server.guard import Rates

    rates = Rates(rate=10, burst=5)
    assert [rates.take("a", 0.0) > 0 for _ in range(7)] == [False] * 5 + [True] * 2
    assert rates.take("b", 0.0) == 0
    assert rates.take("a", 1.0) == 0


def test_half_a_request_does_not_stop_the_others(service):
    host, port = service.url.removeprefix("http://").split(":")
    stuck = [socket.create_connection((host, int(port))) for _ in range(20)]
    for each in stuck:
        each.sendall(b"POST /v1/tracks HTTP/1.1\r\nHost: localhost\r\nContent-Len")
    began = time.monotonic()
    assert service.http.get("/v1/health").status_code == 200
    assert time.monotonic() - began < 2
    for each in stuck:
        each.close()
