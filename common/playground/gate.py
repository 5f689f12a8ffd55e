"""What stands between browsers and the pages: who comes in, the language, and where a page may load from."""

import asyncio
import hmac
import html
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse

from common.playground.words import COOKIE, LANGUAGES

MOST_WAITING = 60  # visitors whose code has not been looked at: a class
YEAR = 365 * 24 * 3600  # seconds
MOST_BYTES = 25_000_000  # that a visitor may send at once: a picture, see parts.upload, and what goes with it
# the browser itself keeps to what is promised: nothing comes from another host, nothing goes to one
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; form-action 'self'; frame-ancestors 'self'"
)
JOIN = """<!doctype html><html><head><meta charset="utf-8"><title>Playground</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ font: 20px/1.6 system-ui, sans-serif; margin: 20vh auto; max-width: 20rem; padding: 1rem }}
input, button {{ font: inherit; width: 100%; box-sizing: border-box; padding: .3rem; margin: .3rem 0 }}</style></head>
<body><form action="/join"><label for="code">{label}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="off" autofocus><button>{button}</button></form></body>
</html>"""


class Gate:
    """ASGI middleware. code: what a visitor must type once before anything is shown, or None where nobody must.

    hosts: the names by which this machine may be called, or None for any. A page of another site that has itself called
    by the name of this machine (DNS rebinding) could otherwise read what is served to this machine alone.
    """

    def __init__(self, app, code=None, hosts=None):
        self.app, self.code, self.hosts = app, code, hosts
        self.token = secrets.token_urlsafe()  # the cookie of those who have typed the code: too long to be guessed
        self.guessing, self.waiting = asyncio.Lock(), 0

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        visit = HTTPConnection(scope)
        joined = not self.code or _same(visit.cookies.get("joined", ""), self.token)
        known = not self.hosts or visit.url.hostname in self.hosts
        if scope.get("method") == "POST" and not 0 <= int(visit.headers.get("content-length", -1)) <= MOST_BYTES:
            await HTMLResponse("", 413)(scope, receive, send)
        elif known and joined and scope["path"] != "/language":
            await self.app(scope, receive, self.with_policy(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            response = HTMLResponse("", 421) if not known else await (self.choose if joined else self.join)(visit)
            await response(scope, receive, self.with_policy(send))

    def with_policy(self, send):
        """`send`, with POLICY in the headers where an answer has none of its own."""

        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Content-Security-Policy", POLICY)
            await send(message)

        return send_with_policy

    async def choose(self, visit):
        """/language?to=/digits&language=zh-TW: keep the language, go back to the page."""
        back = visit.query_params.get("to", "/")
        response = RedirectResponse(back if back.startswith("/") and back[1:2] not in ("/", "\\") else "/", 303)
        if (chosen := visit.query_params.get("language")) in LANGUAGES:
            response.set_cookie(COOKIE, chosen, max_age=YEAR, httponly=True, samesite="lax")
        return response

    async def join(self, visit):
        """Ask for the code. It is looked at one at a time, a second for each wrong one: 6 digits last for days."""
        given = "".join(visit.query_params.get("code", "").split())
        if given:
            if self.waiting >= MOST_WAITING:
                return self.ask(visit, "too many are trying: wait a minute", "太多人在試，請等一分鐘", 429)
            self.waiting += 1
            try:
                async with self.guessing:
                    if _same(given, self.code):
                        response = RedirectResponse("/", 303)
                        response.set_cookie("joined", self.token, httponly=True, samesite="lax")
                        return response
                    await asyncio.sleep(1)
            finally:
                self.waiting -= 1
            wrong = html.escape(given)[:20]
            return self.ask(visit, f"{wrong}: that is not the code", f"{wrong}: 不是這個代碼", 403)
        return self.ask(visit, "The code that your teacher shows", "請輸入老師給的代碼", 200)

    def ask(self, visit, english, chinese, status):
        """The page with the field for the code, and a sentence over it."""
        speaks_chinese = visit.headers.get("accept-language", "").lower().startswith("zh")
        label, button = (chinese, "加入") if speaks_chinese else (english, "join")
        return HTMLResponse(JOIN.format(label=label, button=button), status)


def _same(one, other):
    return hmac.compare_digest(one.encode(), other.encode())
