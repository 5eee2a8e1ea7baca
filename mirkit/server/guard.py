"""The guard before the service: who may ask, how often, how much, and how slowly.

The Host header must be a name of this machine, a plain address or a name that was allowed, so that
no page elsewhere can reach the service by pointing a name of its own at it (DNS rebinding).
Requests that change something, and WebSockets, must come from a page of the service itself or from
no page.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from mirkit.server.settings import LOOPBACK, MIB, Settings, hash_token, is_address

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

COOKIE = "mirkit_token"
"""Name of the cookie that holds the token of a page."""

OPEN = ("/", "/docs", "/favicon.ico", "/v1/health", "/v1/session")
"""Paths that need no token; so do those below /static/."""

SAFE = ("GET", "HEAD", "OPTIONS")
UPLOADS = "/v1/tracks"
SMALL = MIB
"""The largest body of requests that are no uploads [bytes]."""

MOST_CLIENTS = 4096
"""Clients whose rates are remembered."""

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Headers of every answer that does not set them itself."""


class Refusal(Exception):
    """The reason for which a request is not let in."""

    def __init__(self, status: int, kind: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind
        self.headers = headers


@dataclass
class Rates:
    """Token buckets: how often each client may ask."""

    rate: float
    burst: int
    _known: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, client: str, now: float) -> float:
        """Take one request, and return how long to wait for it [s]: 0 where it may go on.

        Examples
        --------
        >>> rates = Rates(rate=2, burst=1)
        >>> [rates.take("a", now) for now in (0.0, 0.1, 0.6)]
        [0.0, 0.4, 0.0]
        """
        left, then = self._known.pop(client, (float(self.burst), now))
        left = min(self.burst, left + (now - then) * self.rate)
        wait = 0.0 if left >= 1 else (1 - left) / self.rate
        self._known[client] = (left - (wait == 0), now)
        while len(self._known) > MOST_CLIENTS:
            self._known.popitem(last=False)
        return wait


class Guard:
    """The middleware that lets requests in, or answers in the place of the service."""

    def __init__(self, app: Application, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.rates = Rates(settings.rate, settings.burst)
        self.refused = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): x.decode("latin-1") for name, x in scope["headers"]}
        try:
            self.check(scope, headers)
        except Refusal as refusal:
            self.refused += 1
            await _refuse(refusal, scope["type"], send)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, send, self._limit(scope), self.settings.stall_seconds)
        await self.app(scope, body.receive, body.send)

    def check(self, scope: Message, headers: dict[str, str]) -> None:
        """Raise `Refusal` where a request may not come in."""
        self._check_host(headers.get("host", ""))
        if scope["type"] == "websocket" or scope["method"] not in SAFE:
            self._check_origin(headers)
        client = scope["client"][0] if scope.get("client") else ""
        wait = self.rates.take(client, time.monotonic())
        if wait:
            raise Refusal(
                429, "TooManyRequests", "too many requests", **{"retry-after": str(int(wait) + 1)}
            )
        self._check_token(scope, headers)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limit(scope):
            raise _too_large(self._limit(scope))

    def _limit(self, scope: Message) -> int:
        upload = scope["path"] == UPLOADS and scope.get("method") == "POST"
        return self.settings.max_bytes + SMALL if upload else SMALL

    def _check_host(self, value: str) -> None:
        try:
            host = urlsplit(f"//{value}").hostname or ""
        except ValueError:
            host = ""
        if host in LOOPBACK or is_address(host) or host in self.settings.hosts:
            return
        raise Refusal(
            421, "UnknownHost",
            f"the Host header is {value[:100]!r}, which is no name of this service; "
            "--allow-host NAME adds one",
        )  # fmt: skip

    def _check_origin(self, headers: dict[str, str]) -> None:
        origin = headers.get("origin")
        own = origin is not None and urlsplit(origin).netloc == headers.get("host")
        site = headers.get("sec-fetch-site", "none")
        if (origin is None or own) and site in ("none", "same-origin"):
            return
        raise Refusal(403, "ForeignOrigin", f"requests from pages of {origin} are not taken")

    def _check_token(self, scope: Message, headers: dict[str, str]) -> None:
        path = scope["path"]
        if self.settings.token_hash is None or path in OPEN or path.startswith("/static/"):
            return
        if not is_right(token_of(headers), self.settings.token_hash):
            raise Refusal(
                401, "Unauthorized", "a token is needed", **{"www-authenticate": "Bearer"}
            )


def is_right(token: str, token_hash: str) -> bool:
    """Return whether a token is the right one, in a time that does not tell how near it is."""
    return hmac.compare_digest(hash_token(token), token_hash)


def token_of(headers: dict[str, str]) -> str:
    """Return the token of a request: of the Authorization header, or else of the cookie."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "TooLarge", f"the body is larger than {limit / MIB:.0f} MiB")


class _Body:
    """The body of a request, which ends where it is too large or comes too slowly."""

    def __init__(self, receive: Receive, send: Send, limit: int, stall: float) -> None:
        self._receive, self._send = receive, send
        self._limit, self._stall = limit, stall
        self._n_bytes, self._whole = 0, False
        self._refusal: Refusal | None = None
        self._replaced = False

    async def receive(self) -> Message:
        """Return the next part; where there is a refusal, as if the client had gone."""
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._stall)
        except TimeoutError:
            self._refusal = Refusal(408, "TooSlow", f"nothing came for {self._stall:g} s")
            return {"type": "http.disconnect"}
        self._n_bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._n_bytes > self._limit:
            self._refusal = _too_large(self._limit)
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; a refusal takes the place of the whole."""
        if message["type"] == "http.response.start":
            if self._refusal is not None:
                self._replaced = True
                self._refusal.headers["connection"] = "close"
                await _refuse(self._refusal, "http", self._send)
                return
            message = {**message, "headers": _with_headers(list(message.get("headers", [])))}
        if not self._replaced:
            await self._send(message)


def _with_headers(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in headers}
    missing = {name.encode(): x.encode() for name, x in HEADERS.items()}
    return headers + [(name, x) for name, x in missing.items() if name not in given]


async def _refuse(refusal: Refusal, kind: str, send: Send) -> None:
    if kind == "websocket":
        await send(
            {"type": "websocket.close", "code": 4000 + refusal.status, "reason": refusal.kind}
        )
        return
    body = json.dumps({"error": {"type": refusal.kind, "message": str(refusal)}}).encode()
    headers = {"content-type": "application/json", **refusal.headers}
    pairs = [(name.encode(), x.encode()) for name, x in headers.items()]
    start = {"type": "http.response.start", "status": refusal.status}
    await send({**start, "headers": _with_headers(pairs)})
    await send({"type": "http.response.body", "body": body})
