"""Access control: requests must come from this machine's own pages and programs, or have the token.

A name that was rebound to this machine is told by the Host header, another site's page by Origin and
Sec-Fetch-Site; a cookie is never sent from another site.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "ipse"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def plain_page(text: str) -> str:
    """A page of one sentence, for browsers."""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>ipse</title>
<h1>ipse</h1>
<p>{text}</p>
</html>
"""


LOCKED = plain_page(
    "This page needs its token. Open the address that <code>ipse serve</code> printed, which ends in "
    "<code>?token=…</code>. This browser then stays signed in."
)


@dataclass(frozen=True)
class Guard:
    """ASGI middleware that checks every request.

    Attributes:
        app: the application.
        hosts: allowed host names; None if a token is required instead.
        token: the required token; None if the server only serves this machine without one.
    """

    app: ASGIApp
    hosts: tuple[str, ...] | None
    token: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = two_lengths(Headers(scope=scope)) or self.refusal(scope)
        await (self.app if refusal is None else refusal)(scope, receive, guarded)

    def refusal(self, scope: Scope) -> Response | None:
        """The response that rejects the request; None if it is allowed."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self.hosts is not None and bare(host) not in self.hosts:
            return refused(
                421, "WrongHost", f"this server is not called {host!r}: use http://127.0.0.1 and its port"
            )
        if foreign(headers, host, scope["method"]):
            return refused(
                403, "WrongOrigin", "requests from other sites are not allowed: open this server's own page"
            )
        return None if self.token is None else self.locked(scope, headers, self.token)

    def locked(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        """The response to a request without a valid token; None if the token is valid or not required."""
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/health":
            return None
        if scope["path"] == "/" and same(offered, token):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(
                cookie_of(scope),
                token,
                httponly=True,
                samesite="strict",
                secure=scope["scheme"] == "https",
                max_age=30 * 86400,
            )
            return answer
        if same(bearer(headers), token) or same(cookie(headers, cookie_of(scope)), token):
            return None
        if scope["path"] == "/" and "text/html" in headers.get("accept", ""):
            return HTMLResponse(LOCKED, status_code=401)
        return refused(
            401, "NoToken", "this server needs its token: open /?token=… once, or send it as a bearer token"
        )


def two_lengths(headers: Headers) -> Response | None:
    """Reject a request that gives its length in two ways, because a proxy may interpret it differently."""
    if "content-length" not in headers or "transfer-encoding" not in headers:
        return None
    answer = refused(
        400, "TwoLengths", "the request has both Content-Length and Transfer-Encoding: send only one"
    )
    answer.headers["Connection"] = "close"
    return answer


def bare(host: str) -> str:
    """Return a host name without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def foreign(headers: Headers, host: str, method: str) -> bool:
    """Whether the request comes from another site. Links from elsewhere may open a page, but change nothing."""
    origin = headers.get("origin")
    if origin is not None and _place(origin) != host:
        return True
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (opened and method in ("GET", "HEAD"))


def _place(origin: str) -> str | None:
    """Return the host and port of an origin; None if it is not an address."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def bearer(headers: Headers) -> str:
    """The token in the Authorization header."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def cookie_of(scope: Scope) -> str:
    """The cookie's name, which includes the port, because browsers share cookies between all ports of a host."""
    server = scope.get("server")
    return f"{COOKIE}-{server[1]}" if server else COOKIE


def cookie(headers: Headers, wanted: str) -> str:
    """The token in the cookie, even if other programs on this host have set cookies as well."""
    for part in headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value.strip('"')
    return ""


def same(offered: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(offered.encode(), token.encode())


def refused(status: int, code: str, message: str) -> JSONResponse:
    """An error in the format of the API."""
    return JSONResponse({"code": code, "message": message}, status_code=status)
