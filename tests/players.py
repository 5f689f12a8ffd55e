"""Players of the game of the lowest point as real clients: the page by HTTP, the rest by NiceGUI's websocket."""

import asyncio
import contextlib
import json
import re

import aiohttp
import socketio

PAGE = "/lowest-point"


class Player:
    """A browser without a window. An async context manager around one visit of the page.

    elements: {id: element}, what the browser would show now. received: all that came, as text. cookies: what it keeps.
    reopened: how often the connection was lost, and the page opened again as a browser does then.
    """

    def __init__(self, address, patience=120):
        self.address, self.patience = address, patience
        self.cookies, self.reopened = {}, 0
        self.elements, self.received, self.changed = {}, [], asyncio.Event()

    async def __aenter__(self):
        # a browser opens a connection of its own for its websocket: on one that has brought a page the server's timer
        # for idle connections would end it after five seconds
        connector = aiohttp.TCPConnector(force_close=True)
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), connector=connector)
        await self._open()
        return self

    async def __aexit__(self, *_):
        await self.socket.disconnect()
        await self.http.close()

    async def _open(self):
        """Load the page and connect; as a browser does, again and again until the server takes it."""
        async with asyncio.timeout(self.patience):
            while True:
                with contextlib.suppress(socketio.exceptions.ConnectionError):
                    return await self._load()
                await asyncio.sleep(0.2)

    async def _load(self):
        async with self.http.get(self.address + PAGE) as answer:
            text = await answer.text()
        self.received.append(text)
        elements = re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.S)[1]
        for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&#96;", "`"), ("&#36;", "$"), ("&amp;", "&")):
            elements = elements.replace(escaped, plain)
        self.elements = {int(number): element for number, element in json.loads(elements).items()}
        self.client = re.search(r"'client_id': '([^']*)'", text)[1]
        self.socket = socketio.AsyncClient(reconnection=False, http_session=self.http)
        self.socket.on("update", self._update)
        self.socket.on("run_javascript", self._run)
        self.socket.on("disconnect", lambda *_: self.changed.set())
        self.socket.on("*", lambda event, message: self.received.append(json.dumps([event, message])))
        query = f"client_id={self.client}&next_message_id=0&implicit_handshake=true&document_id=1&tab_id={self.client}"
        await self.socket.connect(
            f"{self.address}?{query}",
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
            wait_timeout=self.patience,
        )

    async def reopen(self):
        """Open the page again, as after a reload, or after the server has come back."""
        await self.socket.disconnect()
        self.http.cookie_jar.update_cookies(self.cookies)
        await self._open()

    def _update(self, message):
        self.received.append(json.dumps(message))
        message.pop("_id", None)  # its number in the row of messages
        for number, element in message.items():
            if element is None:
                self.elements.pop(int(number), None)
            else:
                self.elements[int(number)] = element
        self.changed.set()

    def _run(self, message):
        self.received.append(json.dumps(message))
        if found := re.search(r"document\.cookie = '(\w+)=([^;]*);", message["code"]):
            self.cookies[found[1]] = found[2]
        self.changed.set()

    async def until(self, condition):
        """Wait until condition() is true, and return what it gives."""
        async with asyncio.timeout(self.patience):
            while not (found := condition()):
                self.changed.clear()
                await self._stay()
                await self.changed.wait()
            return found

    async def _stay(self):
        """Open the page again where the connection was lost."""
        if not self.socket.connected:
            self.reopened += 1
            await self.reopen()
            self.changed.set()

    def texts(self):
        """All texts on the page."""
        return [element["text"] for element in self.elements.values() if "text" in element]

    def says(self, part):
        return any(part in text for text in self.texts())

    def rows(self):
        """The rows of the table of own points."""
        (table,) = (element for element in self.elements.values() if element["tag"] == "nicegui-table")
        return table["props"]["rows"]

    def _find(self, label):
        (found,) = (
            number for number, element in self.elements.items() if element.get("props", {}).get("label") == label
        )
        return found

    async def _emit(self, label, kind, *values):
        await self._stay()
        number = self._find(label)
        (listener,) = (event for event in self.elements[number]["events"] if event["type"] == kind)
        message = {"id": number, "client_id": self.client, "listener_id": listener["listener_id"]}
        await self.socket.emit("event", message | {"args": [json.dumps(value) for value in values]})

    async def type(self, label, text):
        await self._emit(label, "update:value", text)

    async def click(self, label):
        await self._emit(label, "click", {})

    async def join(self, password, name):
        """Join a round and open the team's page."""
        await self.type("The name of your team", name)
        await self.type("The password of the round", password)
        await self.click("Join")
        await self.until(lambda: self.cookies.get("lowest_point"))
        await self.reopen()

    async def guess(self, text):
        await self.type("x, from -10 to 10", text)
        await self.click("Guess")
