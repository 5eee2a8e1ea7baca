"""``mirkit vamp``: install, remove and examine the plug-in library for Vamp hosts."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirkit.hosts.vamp.install import Installed

HOSTS = ("sonic-visualiser", "vamp-simple-host", "sonic-annotator", "audacity")
"""Programs that load Vamp plug-ins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("install", "compile the library and put it where hosts look"),
        ("uninstall", "remove it"),
        ("doctor", "say what hosts will find, and whether it works"),
    ):
        action = actions.add_parser(name, help=summary, description=summary.capitalize() + ".")
        which = "--to" if name == "install" else "--from"
        action.add_argument(
            which, dest="folder", type=Path, metavar="DIR", help="default: VAMP_PATH, or ~/vamp"
        )


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    actions = {"install": _install, "uninstall": _uninstall, "doctor": _doctor}
    return actions[args.action](args.folder)


def _install(folder: Path | None) -> int:
    from mirkit.hosts.vamp.install import inspect, install, search_path

    path = install(folder)
    print(f"{path}: {', '.join(inspect(path).plugins)}")
    if path.parent.resolve() not in [each.resolve() for each in search_path()]:
        print(f"Hosts do not look there by themselves. Set VAMP_PATH={path.parent}")
    return 0


def _uninstall(folder: Path | None) -> int:
    from mirkit.hosts.vamp.install import uninstall

    removed = uninstall(folder)
    for path in removed:
        print(f"removed {path}")
    if not removed:
        print("no plug-in library of mirkit is installed there")
    return 0


def _doctor(folder: Path | None) -> int:
    from mirkit.hosts.vamp.install import find_installed, search_path

    looked = [folder] if folder else search_path()
    found = find_installed(folder)
    for host in HOSTS:
        print(f"  {host:18} {shutil.which(host) or 'not installed'}")
    if not found:
        print(f"no library in {', '.join(map(str, looked))}; run `mirkit vamp install`")
        return 1
    for hidden in found[1:]:
        print(f"{hidden.path} is hidden by {found[0].path}")
    return _examine(found[0])


def _examine(installed: Installed) -> int:
    from mirkit import __version__
    from mirkit.hosts.vamp.install import greet

    print(f"{installed.path}: {', '.join(installed.plugins)}")
    print(f"  mirkit {installed.version}, Python {installed.command[0]}")
    faults = []
    if installed.version != __version__:
        faults.append(f"made by mirkit {installed.version}, this is {__version__}")
    faults.extend(filter(None, [greet(installed)]))
    for fault in faults:
        print(f"  wrong: {fault}. Run `mirkit vamp install` again.")
    if not faults:
        print("  the worker answers")
    return 1 if faults else 0
