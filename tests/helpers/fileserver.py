"""A server of one file, whole or broken off, that counts who asks."""

import contextlib
import http.server
import threading
from typing import ClassVar

CONTENT = bytes(range(256)) * 9000  # more than one chunk


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve CONTENT, whole or broken off, and count who asks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/absent.onnx":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:-1000] if self.path == "/broken.onnx" else CONTENT)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving():
    """Serve while the context lasts; yield the address."""
    Handler.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
