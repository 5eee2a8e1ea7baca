"""The library as its hosts see it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import signals
import soundfile

import mirkit
from mirkit.hosts.vamp import install as installing
from mirkit.vocab import KEYS

SOURCE = Path(installing.__file__).parent
FRAME = 1e-3


@pytest.fixture(scope="session")
def clicks(tmp_path_factory):
    path = tmp_path_factory.mktemp("clicks") / "clicks.wav"
    audio = signals.click_track(120, 32, 22050, noise=0.003)
    soundfile.write(path, audio.samples.T, audio.sample_rate, subtype="FLOAT")
    return path


@pytest.fixture(scope="session")
def harmony(tmp_path_factory):
    """Four chords in stereo, one side softer; at 44.1 kHz a block ends past the end."""
    path = tmp_path_factory.mktemp("harmony") / "harmony.wav"
    audio = signals.chords([("C:maj", 3), ("A:min", 3), ("F:maj", 3), ("G:maj", 3)], 22050)
    left = audio.samples[0]
    soundfile.write(path, np.stack([left, left / 2], axis=1), 22050, subtype="FLOAT")
    return path


def run_host(host, plugins, *words, **env):
    return subprocess.run(
        [host, *map(str, words)], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"VAMP_PATH": str(plugins.parent)} | env,
    )  # fmt: skip


def rows_of(out):
    """(time, duration or None, rest) of each line that a host prints."""
    rows = []
    for line in out.splitlines():
        times, _, rest = line.strip().partition(": ")
        start, _, duration = times.rstrip(":").partition(", ")
        rows.append((float(start), float(duration) if duration else None, rest))
    return rows


@pytest.fixture(scope="session")
def vamp_rows(simple_host, plugins):
    def rows(output, path, **env):
        done = run_host(simple_host, plugins, f"mirkit:{output}", path, **env)
        assert done.returncode == 0, done.stderr
        return rows_of(done.stdout)

    return rows


def test_hosts_list_all_outputs_under_their_menus(simple_host, plugins):
    outputs = run_host(simple_host, plugins, "--list-outputs").stdout.split()
    assert outputs == [
        "vamp:mirkit:beats:beats", "vamp:mirkit:beats:downbeats", "vamp:mirkit:beats:tempo",
        "vamp:mirkit:chords:chords", "vamp:mirkit:key:key",
    ]  # fmt: skip
    menus = run_host(simple_host, plugins, "--list-by-category").stdout
    assert "Time|Tempo|mirkit:beats:::mirkit: Beats:::" in menus
    assert "Key and Tonality|mirkit:key:::mirkit: Key:::" in menus


def test_sonic_visualiser_loads_it(load_checker, plugins):
    done = subprocess.run(
        [load_checker, "vampGetPluginDescriptor"], input=f"{plugins}\n", capture_output=True,
        text=True, timeout=60, check=False, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert f"SUCCESS|{plugins}|" in done.stdout, done.stdout + done.stderr


def test_beats_and_downbeats_are_those_of_mirkit(vamp_rows, clicks):
    beats = mirkit.beats(clicks)
    assert len(beats) > 25
    rows = vamp_rows("beats:beats", clicks)
    np.testing.assert_allclose([row[0] for row in rows], beats.times, atol=FRAME)
    assert [int(row[2].partition(":")[2]) for row in rows] == beats.positions.tolist()
    downbeats = vamp_rows("beats:downbeats", clicks)
    np.testing.assert_allclose([row[0] for row in downbeats], beats.downbeats, atol=FRAME)
    assert [row[2] for row in downbeats] == [f"{i + 1}:1" for i in range(len(downbeats))]


def test_channels_that_cancel_are_heard(vamp_rows, tmp_path):
    left = signals.chords([("C:maj", 3), ("A:min", 3)], 22050).samples[0]
    paths = [tmp_path / "left.wav", tmp_path / "inverted.wav"]
    for path, channels in zip(paths, ([left], [left, -left]), strict=True):
        soundfile.write(path, np.stack(channels, axis=1), 22050, subtype="FLOAT")
    alone, inverted = (vamp_rows("chords:chords", path) for path in paths)
    assert [row[2] for row in alone] == ["C:maj", "A:min"]
    assert inverted == alone


def test_tempo_lasts_to_the_end(vamp_rows, clicks):
    ((start, duration, rest),) = vamp_rows("beats:tempo", clicks)
    assert rest == "120 120.00 bpm"
    assert abs(start - mirkit.beats(clicks).times[0]) < 0.01
    assert abs(start + duration - soundfile.info(clicks).duration) < 1024 / 22050 + FRAME


def test_chords_are_those_of_mirkit(vamp_rows, harmony):
    chords = mirkit.chords(harmony)
    rows = vamp_rows("chords:chords", harmony)
    assert [row[2] for row in rows] == list(chords.labels) == ["C:maj", "A:min", "F:maj", "G:maj"]
    np.testing.assert_allclose([row[0] for row in rows], chords.intervals[:, 0], atol=FRAME)
    ends = [row[0] + row[1] for row in rows]
    np.testing.assert_allclose(ends[:-1], chords.intervals[:-1, 1], atol=FRAME)
    assert abs(ends[-1] - chords.intervals[-1, 1]) <= 1024 / 22050


def test_key_is_that_of_mirkit(vamp_rows, harmony):
    key = mirkit.key(harmony)
    rows = vamp_rows("key:key", harmony)
    assert len(rows) > 0
    assert [row[2] for row in rows] == [
        f"{KEYS.index(label)} {label}" for label in key.segments.labels
    ]


def test_another_model_can_be_named(simple_host, plugins, harmony):
    done = run_host(simple_host, plugins, "mirkit:chords", harmony, MIRKIT_VAMP_CHORDS="chordz")
    assert done.stdout == ""
    assert "chordz" in done.stderr


def test_worker_that_is_missing_is_named(simple_host, plugins, clicks):
    done = run_host(simple_host, plugins, "mirkit:beats", clicks, MIRKIT_PYTHON="/nowhere/python")
    assert done.returncode == 1  # the host says that the plug-in cannot be used, and lives
    assert "/nowhere/python: No such file or directory; run `mirkit vamp install`" in done.stderr
    assert "initialise" in done.stderr


def wrapper(folder, script):
    """A stand-in for the interpreter."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_worker_that_ends_at_once_is_told_with_its_status(simple_host, plugins, clicks, tmp_path):
    python = wrapper(tmp_path, "exit 7")
    done = run_host(simple_host, plugins, "mirkit:beats", clicks, MIRKIT_PYTHON=python)
    assert done.returncode == 1
    assert "the Python worker ended before it gave a result: exit status 7" in done.stderr


def test_worker_that_hangs_is_given_up(simple_host, plugins, clicks, tmp_path):
    python = wrapper(tmp_path, "exec sleep 60")
    start = time.monotonic()
    done = run_host(
        simple_host,
        plugins,
        "mirkit:beats",
        clicks,
        MIRKIT_PYTHON=python,
        MIRKIT_VAMP_TIMEOUT="0.3",
    )
    assert time.monotonic() - start < 20
    assert "did not answer in time: MIRKIT_VAMP_TIMEOUT" in done.stderr


def test_worker_killed_in_its_work_leaves_the_host_alive(simple_host, plugins, clicks, tmp_path):
    pid = tmp_path / "pid"
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import mirkit.hosts.vamp.worker as w; "
        "w._answer = lambda *x: time.sleep(60); w.main()"  # as a long analysis
    )
    python = wrapper(tmp_path, f"echo $$ > {pid}\nexec {sys.executable} -E -P -c '{code}' \"$5\"")
    running = subprocess.Popen(
        [simple_host, "mirkit:beats", clicks], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"VAMP_PATH": str(plugins.parent), "MIRKIT_PYTHON": python},
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    out, err = running.communicate(timeout=60)
    assert "the Python worker ended before it gave a result" in err
    assert out == ""


def test_errors_of_the_worker_reach_the_host(simple_host, plugins, tmp_path):
    path = tmp_path / "bad.wav"
    soundfile.write(path, np.full(5000, np.nan, np.float32), 22050, subtype="FLOAT")
    done = run_host(simple_host, plugins, "mirkit:key", path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert re.search(r"plug-in key\): error: .* sample 0 of channel 0 is nan", done.stderr)


PROBE = r"""
#include <stddef.h>
#include <stdio.h>
#define MEMBERS(D, P, O, F, FD, FU, FL) printf("%zu %zu %zu %zu %zu %zu %zu\n", sizeof(D), \
    sizeof(P), sizeof(O), sizeof(F), sizeof(FD), sizeof(FU), sizeof(FL))
"""
OURS = r"""
#include "abi.h"
#define AT(t, m) offsetof(t, m)
int main(void) { MEMBERS(Descriptor, Parameter, Output, Feature, FeatureDuration, FeatureUnion,
    FeatureList);
printf("%zu %zu %zu %zu %zu\n", AT(Descriptor, input_domain), AT(Descriptor, instantiate),
    AT(Descriptor, get_parameter), AT(Descriptor, output_count), AT(Descriptor, release_features));
printf("%zu %zu %zu\n", AT(Parameter, minimum), AT(Parameter, is_quantized),
    AT(Parameter, value_names));
printf("%zu %zu %zu %zu\n", AT(Output, bin_names), AT(Output, is_quantized),
    AT(Output, sample_type), AT(Output, has_duration));
printf("%zu %zu %zu\n", AT(Feature, value_count), AT(Feature, label), AT(FeatureList, features));
printf("%d %d %d\n", VAMP_VERSION, SAMPLE_RATE_VARIABLE, TIME_DOMAIN); }
"""
THEIRS = r"""
#include <vamp/vamp.h>
#define AT(t, m) offsetof(Vamp##t, m)
int main(void) { MEMBERS(VampPluginDescriptor, VampParameterDescriptor, VampOutputDescriptor,
    VampFeature, VampFeatureV2, VampFeatureUnion, VampFeatureList);
printf("%zu %zu %zu %zu %zu\n", AT(PluginDescriptor, inputDomain), AT(PluginDescriptor,
    instantiate), AT(PluginDescriptor, getParameter), AT(PluginDescriptor, getOutputCount),
    AT(PluginDescriptor, releaseFeatureSet));
printf("%zu %zu %zu\n", AT(ParameterDescriptor, minValue), AT(ParameterDescriptor, isQuantized),
    AT(ParameterDescriptor, valueNames));
printf("%zu %zu %zu %zu\n", AT(OutputDescriptor, binNames), AT(OutputDescriptor, isQuantized),
    AT(OutputDescriptor, sampleType), AT(OutputDescriptor, hasDuration));
printf("%zu %zu %zu\n", AT(Feature, valueCount), AT(Feature, label), AT(FeatureList, features));
printf("%d %d %d\n", VAMP_API_VERSION, vampVariableSampleRate, vampTimeDomain); }
"""


def test_interface_is_laid_out_as_vamp_publishes_it(compiler, tmp_path):
    if not Path("/usr/include/vamp/vamp.h").exists():
        if os.environ.get("MIRKIT_REQUIRE_HOSTS") == "1":
            pytest.fail("vamp/vamp.h is absent: apt install vamp-plugin-sdk")
        pytest.skip("vamp/vamp.h is absent: apt install vamp-plugin-sdk")
    printed = []
    for name, code in (("ours", OURS), ("theirs", THEIRS)):
        (tmp_path / f"{name}.c").write_text(PROBE + code)
        subprocess.run(
            [compiler, "-I", SOURCE, "-o", tmp_path / name, tmp_path / f"{name}.c"], check=True
        )
        printed.append(subprocess.run([tmp_path / name], capture_output=True, check=True).stdout)
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) == 6
