"""The outside of the application: proxies in front of it, cookies, the size of bodies, headers of every answer."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

_BODY_BYTES_MAX = 64 * 1024

# No script, no foreign content, no framing: the pages need none of it.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def init_app(app: Flask, *, trusted_proxies: int, path_prefix: str | None) -> None:
    """Let the application meet the world.

    Args:
        app: The application.
        trusted_proxies: How many in front are believed in what they say about the client; the next one is not.
        path_prefix: Below which path the outermost of them serves us, such as "/app".
    """
    app.config.update(
        MAX_CONTENT_LENGTH=_BODY_BYTES_MAX,
        SESSION_COOKIE_NAME="fintech_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.url_map.merge_slashes = False  # "//x" is not found, rather than redirected to whatever host was asked for
    app.session_interface = _SessionCookies()
    if trusted_proxies:
        below = app.wsgi_app if path_prefix is None else _below_prefix(app.wsgi_app, path_prefix)
        app.wsgi_app = ProxyFix(below, x_for=trusted_proxies, x_proto=1, x_host=0)  # type: ignore[method-assign]
    app.before_request(_refuse_endless_body)
    app.after_request(_add_security_headers)


class _SessionCookies(SecureCookieSessionInterface):
    """Session cookies that fit the way a request came: Secure over HTTPS, and only for our prefix."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Tell whether the browser speaks HTTPS, the edge in front included."""
        return request.is_secure

    def get_cookie_path(self, app: Flask) -> str:
        """Return the prefix under which the edge serves us."""
        return request.script_root or "/"


def _below_prefix(wsgi_app: WSGIApplication, prefix: str) -> WSGIApplication:
    """Serve below `prefix` what a proxy says it asks for there, whether or not it removed the prefix from the path.

    No other prefix is believed: a proxy that sets none lets the client's own header through, and "/x" would turn
    "/x/admin/", which that proxy lets pass, into "/admin/".
    """

    def below_prefix(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_X_FORWARDED_PREFIX", "").rstrip("/") == prefix:
            environ["SCRIPT_NAME"] = prefix
            path = environ.get("PATH_INFO", "")
            if path == prefix or path.startswith(prefix + "/"):
                environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return wsgi_app(environ, start_response)

    return below_prefix


def _refuse_endless_body() -> None:
    # Flask refuses a body whose declared length is too large, but would cut one of undeclared length at the limit.
    if "Transfer-Encoding" in request.headers and len(request.get_data()) >= _BODY_BYTES_MAX:
        raise RequestEntityTooLarge


def _add_security_headers(response: Response) -> Response:
    for name, value in _SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")  # balances belong in nobody's cache
    return response
