"""Events to every browser that connects: one JSON object a message, as `JsonLines` writes them."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any

from mirkit.errors import MissingExtra, ParameterError
from mirkit.hosts.live.events import Event, Pulse, to_object

MOST_WAITING = 256
"""Messages kept for a client that does not read; then it misses some."""


class WebSocket:
    """A server of its own threads; what sends never waits for a client.

    Parameters
    ----------
    host, port
        Where it listens; port 0 takes any that is free, and `port` then says which.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            from websockets.sync.server import serve
        except ImportError:
            raise MissingExtra("websockets", "pip install 'mirkit[live]'", "a WebSocket") from None
        self._clients: set[queue.Queue[str | None]] = set()
        self._lock = threading.Lock()
        try:
            self._server: Any = serve(self._attend, host, port)
        except OSError as error:
            raise ParameterError(f"WebSocket {host}:{port}: {error}; is the port taken?") from None
        self.port = int(self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def n_clients(self) -> int:
        """Number of connected clients."""
        with self._lock:
            return len(self._clients)

    def send(self, event: Event, sent: float) -> None:
        """Send an event to all, pulses excepted."""
        if isinstance(event, Pulse):
            return
        text = json.dumps(to_object(event, sent))
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            if client.qsize() < MOST_WAITING:
                client.put(text)

    def close(self) -> None:
        """Send what waits, say goodbye and end the server."""
        with self._lock:
            for client in self._clients:
                client.put(None)
        self._server.shutdown()
        self._thread.join()

    def _attend(self, connection: Any) -> None:
        from websockets.exceptions import ConnectionClosed

        waiting: queue.Queue[str | None] = queue.Queue()
        with self._lock:
            self._clients.add(waiting)
        try:
            while (text := waiting.get()) is not None:
                connection.send(text)
        except ConnectionClosed:
            pass  # it went away; the others stay
        finally:
            with self._lock:
                self._clients.discard(waiting)
