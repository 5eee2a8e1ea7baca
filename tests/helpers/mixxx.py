"""Mixxx as a judge: it scans recordings, loads them into its decks, and says what it thinks."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

SCHEMA = "select value from settings where name = 'mixxx.schema.version'"
OTHERS = ("ITunes", "Rhythmbox", "Banshee", "Rekordbox", "Serato")
"""Libraries that are not asked for, so that Traktor's is the last in the side bar."""


class Mixxx:
    """A Mixxx with a profile of its own in a folder that is thrown away."""

    def __init__(self, folder):
        self.settings = Path(folder) / "settings"
        self.home = self.settings / "home"
        self.home.mkdir(parents=True)
        self.database = self.settings / "mixxxdb.sqlite"
        self.log = self.settings / "mixxx.out"
        lists = "".join(f"Show{x}Library 0\n" for x in OTHERS)
        (self.settings / "mixxx.cfg").write_text(
            f"\n[Config]\nVersion 2.3.3\n\n[Library]\nRescanOnStartup 1\n{lists}"
        )

    def query(self, sql, *values):
        """Rows of the database; none while it is not there or being changed."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
                return database.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []

    @contextmanager
    def running(self, *files, display=None):
        """Mixxx, offscreen or on a display; it is made to end."""
        screen = {"QT_QPA_PLATFORM": "offscreen"} if display is None else {"DISPLAY": display}
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                ["mixxx", "--settingsPath", f"{self.settings}/", "--safeMode",
                 "--logLevel", "debug", *map(str, files)], stdout=log, stderr=subprocess.STDOUT,
                env=os.environ | screen
                | {"HOME": str(self.home), "JACK_NO_START_SERVER": "1"},
                start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def make_database(self):
        """An empty library, as Mixxx makes it."""
        with self.running():
            done = lambda: any(int(x) >= 32 for (x,) in self.query(SCHEMA))  # noqa: E731
            wait_for(done, 60, "Mixxx made no database")
            time.sleep(0.5)

    def scan(self, folder):
        """Put the recordings of a folder into the library."""
        if not self.database.exists():
            self.make_database()
        with closing(sqlite3.connect(self.database)) as database, database:
            database.execute("insert into directories values (?)", (str(folder),))
        n = sum(1 for path in folder.iterdir() if path.is_file())
        with self.running():
            wait_for(lambda: self.query("select count(*) from library") == [(n,)], 300,
                     f"Mixxx did not find {n} recordings")  # fmt: skip
            time.sleep(0.5)

    def read_traktor(self, screen):
        """Open Traktor's library, which lies in the home folder: click the side bar from below."""
        for y in range(720, 480, -12):
            act(screen, "mousemove", 68, y, "click", 1)
            time.sleep(0.3)
            if self.query("select * from traktor_playlist_tracks"):
                return
        raise AssertionError("Mixxx does not read Traktor's library")

    def warnings(self):
        """What Mixxx complained of in the tags of recordings."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if line.startswith("Warning") and "Serato" in line]

    def load(self, *files, says, seconds, then=lambda screen: None):
        """Load recordings into decks, wait until the log has a line for each, quit as users do.

        Before it quits, `then` is done with the name of the display.
        """
        with display() as name, self.running(*files, display=name) as process:
            dialog = lambda: window(name, "No Output Devices")  # noqa: E731
            main = lambda: window(name, "Mixxx")  # noqa: E731
            wait_for(lambda: dialog() or process.poll() is not None, 240, "Mixxx shows no window")
            key(name, dialog(), "Return")
            wait_for(main, 120, "Mixxx shows no main window")
            said = lambda: self.log.read_text(errors="replace").count(says)  # noqa: E731
            wait_for(lambda: said() >= len(files), seconds, f"Mixxx does not say {says!r}")
            then(name)
            time.sleep(4)  # to end what it is at
            for _ in range(10):
                if process.poll() is None:
                    key(name, main(), "ctrl+q")
                    try:
                        process.wait(6)
                    except subprocess.TimeoutExpired:
                        continue
            assert process.poll() == 0, f"Mixxx ended with {process.poll()}"


@contextmanager
def display():
    """A screen in memory."""
    read, write = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1366x900x24"],
        pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            yield f":{pipe.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def window(name, title):
    """The identity of the first visible window whose title holds a text, or an empty text."""
    done = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", title],
        env=os.environ | {"DISPLAY": name}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.split("\n")[0]


def key(name, identity, stroke):
    """Press keys in a window; there is no window manager that would give it the focus."""
    focus = ["windowfocus", identity] if identity else []
    act(name, *focus, "key", stroke)


def act(name, *words):
    """Do something with keyboard and mouse of a display."""
    environment = os.environ | {"DISPLAY": name}
    subprocess.run(["xdotool", *map(str, words)], env=environment, capture_output=True)


def wait_for(condition, seconds, message):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.25)
    raise AssertionError(f"{message} within {seconds} s")


def missing():
    """The programs of this judge that are not installed."""
    return [x for x in ("mixxx", "Xvfb", "xdotool") if shutil.which(x) is None]
