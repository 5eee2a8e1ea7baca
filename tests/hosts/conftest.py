import os
import shutil
import sys
from pathlib import Path

import pytest


def find_host(name, install):
    """The program `name`; where it is missing the test is skipped, or fails where required."""
    path = shutil.which(name) or (name if Path(name).exists() else None)
    if path:
        return path
    reason = f"{name} is not installed: {install}"
    if os.environ.get("MIRKIT_REQUIRE_HOSTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def simple_host():
    """Vamp's own host on the command line."""
    return find_host("vamp-simple-host", "apt install vamp-examples")


@pytest.fixture(scope="session")
def load_checker():
    """The program by which Sonic Visualiser decides which plug-ins it loads."""
    return find_host(
        "/usr/lib/sonic-visualiser/vamp-plugin-load-checker", "apt install sonic-visualiser"
    )


@pytest.fixture(scope="session")
def compiler():
    """A C compiler."""
    return find_host("gcc", "apt install gcc")


@pytest.fixture(scope="session")
def plugins(compiler, tmp_path_factory):
    """The plug-in library, compiled and installed in a folder of its own."""
    from mirkit.hosts.vamp.install import install

    if sys.platform == "win32":
        pytest.skip("the library needs POSIX sockets")
    return install(tmp_path_factory.mktemp('vamp, ünd "more"'))
