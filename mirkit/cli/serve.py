"""``mirkit serve``: the HTTP service and its page."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirkit.server.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=port, default=8765, help="default: 8765; 0 takes a free one")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where tracks are kept")
    parser.add_argument("--root", type=Path, action="append", default=[], metavar="DIR",
                        help="recordings below it may be named by path")  # fmt: skip
    parser.add_argument("--library", type=Path, metavar="FILE",
                        help="a library to search and correct, see `mirkit library`")  # fmt: skip
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="a name that clients may call the service by")  # fmt: skip
    parser.add_argument("--token", metavar="TEXT", help="what clients must show; beyond this "
                        "machine one is made where none is given")  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="recordings that are analyzed at a time; default: 1")  # fmt: skip
    parser.add_argument("--max-mb", type=int, default=512, metavar="MB", help="largest upload")
    parser.add_argument("--max-minutes", type=float, default=240, metavar="M",
                        help="longest recording")  # fmt: skip
    parser.set_defaults(usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    from mirkit.server.app import create_app

    for root in args.root:
        if not root.is_dir():
            args.usage_error(f"--root {root} is no folder")
    if args.library is not None and not args.library.is_file():
        args.usage_error(f"--library {args.library} is no file; mirkit library add makes it")
    settings = settings_of(args)
    app = create_app(settings)
    import uvicorn

    config = uvicorn.Config(
        app, args.host, args.port, log_level="warning", access_log=False, limit_concurrency=500,
        timeout_keep_alive=15, timeout_graceful_shutdown=5, h11_max_incomplete_event_size=65_536,
        server_header=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listening = listen(args.host, args.port)
    shown = f"[{args.host}]" if ":" in args.host else args.host
    print(
        f"mirkit serves http://{shown}:{listening.getsockname()[1]}/ (end with Ctrl-C)", flush=True
    )
    server.run(sockets=[listening])
    return 0


def port(text: str) -> int:
    """Parse the number of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to a host and a port.

    Raises
    ------
    ParameterError
        Where the port is in use, or the host is none of this machine.
    """
    from mirkit.errors import ParameterError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ParameterError(
            f"nothing can listen at port {port} of {host}: {error.strerror}; --port 0 takes a free "
            "port, and --host is an address of this machine"
        ) from None


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings that the arguments mean; make a token where one is needed."""
    from mirkit.server.settings import MIB, Settings, hash_token
    from mirkit.zoo.checkpoints import cache_dir

    folder = args.data or cache_dir() / "serve"
    token = args.token
    digest = hash_token(token) if token else _kept_hash(folder, args.host)
    return Settings(
        folder=folder.expanduser().absolute(),
        roots=tuple(root.expanduser().resolve() for root in args.root),
        token_hash=digest,
        hosts=frozenset(args.allow_host),
        library=args.library,
        n_workers=max(1, args.workers),
        max_bytes=args.max_mb * MIB,
        max_seconds=args.max_minutes * 60,
    )


def _kept_hash(folder: Path, host: str) -> str | None:
    """Return the hash of the token of a service that others reach; make one where there is none."""
    import secrets

    from mirkit.server.settings import hash_token, is_loopback

    if is_loopback(host):
        return None
    file = folder / "token.sha256"
    if file.is_file():
        print(f"the token is the one that was shown before; delete {file} to make another")
        return file.read_text().strip()
    token = secrets.token_urlsafe(24)
    folder.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(hash_token(token) + "\n")
    print(f"token: {token}\nIt is shown once, and kept as a hash.", flush=True)
    return hash_token(token)
