"""Downloads end in bounded time with the right bytes or with a reason, whatever the server does."""

import argparse
import contextlib
import hashlib
import http.server
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import data
from common.data import download, mnist
from common.data.download import Remote, fetch
from common.errors import UserError
from tests.helpers import PATIENCE, ROOT, assert_one_sentence, wait_for

RIGHT = bytes(range(256)) * 2000
CERTIFICATE = Path(__file__).with_name("self_signed.pem")
HASH = "sha256:" + hashlib.sha256(RIGHT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Behaves as the first part of the path says; the server counts the requests by path."""

    def do_GET(self):
        behaviour = self.path.strip("/").split("/")[0]
        count = self.server.requests[self.path] = self.server.requests.get(self.path, 0) + 1
        with contextlib.suppress(OSError):  # the client may have given up
            getattr(self, behaviour.replace("-", "_"))(count)

    def log_message(self, *_):
        pass

    def head(self, length, status=200):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def right(self, _):
        self.head(len(self.server.content))
        self.wfile.write(self.server.content)

    def slow(self, _):
        """Slow enough that eight clients are all waiting, and steady."""
        self.head(len(self.server.content))
        for start in range(0, len(self.server.content), 1 + len(self.server.content) // 10):
            time.sleep(0.1)
            self.wfile.write(self.server.content[start : start + 1 + len(self.server.content) // 10])

    def busy_then_right(self, count):
        if count == 1:
            self.send_error(503)
        else:
            self.right(count)

    def wrong(self, _):
        self.head(5000)
        self.wfile.write(b"\1" * 5000)

    def page(self, _):
        """What a login page of a hotel network does."""
        self.head(None)
        self.wfile.write(b"<html><body>Please log in</body></html>")

    def missing(self, _):
        self.send_error(404)

    def cut(self, _):
        self.head(len(RIGHT))
        self.wfile.write(RIGHT[: len(RIGHT) // 2])

    def cut_without_length(self, _):
        self.head(None)
        self.wfile.write(RIGHT[: len(RIGHT) // 2])

    def reset(self, _):
        self.head(len(RIGHT))
        self.wfile.write(RIGHT[: len(RIGHT) // 2])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def silent(self, _):
        self.server.closing.wait(PATIENCE)

    def stall(self, _):
        self.head(len(RIGHT))
        self.wfile.write(RIGHT[: len(RIGHT) // 2])
        self.server.closing.wait(PATIENCE)

    def drip(self, _):
        """Never silent for long, and never done."""
        self.head(len(RIGHT))
        for start in range(0, len(RIGHT), 2048):
            self.wfile.write(RIGHT[start : start + 2048])
            if self.server.closing.wait(0.2):
                return

    def do_CONNECT(self):
        """What a proxy is asked before it lets a secure connection through. This one never does."""
        self.send_error(403)

    def drip_headers(self, _):
        for _ in range(10000):
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX-" if _ == 0 else b"a")
            if self.server.closing.wait(0.2):
                return


@pytest.fixture
def mirror():
    """A server on this machine: `mirror.url(behaviour)`, `mirror.requests`, `mirror.content`."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 50

        def url(self, behaviour):
            return f"http://127.0.0.1:{self.server_port}/{behaviour}/file.bin"

        def count(self, behaviour):
            return self.requests.get(f"/{behaviour}/file.bin", 0)

    server = Server(("127.0.0.1", 0), Handler)
    server.requests, server.content, server.closing = {}, RIGHT, threading.Event()
    poll = {"poll_interval": 0.02}  # seconds until it sees that it is to end: half a second by default
    threading.Thread(target=server.serve_forever, kwargs=poll, daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def secure(mirror):
    """The same behind a certificate that nobody has signed: the address of the right file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    mirror.socket = context.wrap_socket(mirror.socket, server_side=True)
    return mirror.url("right").replace("http:", "https:")


@pytest.fixture(autouse=True)
def no_own_certificates(monkeypatch):
    """Those of the machine that the tests run on."""
    for name in download.CERTIFICATES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(download, "FIRST_BYTE_SECONDS", 1.4)
    monkeypatch.setattr(download, "STALL_SECONDS", 1.5)


def nobody():
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/file.bin"


def get(folder, *urls, hash=HASH):
    return fetch(Remote("file.bin", urls, hash), folder)


def visible(folder):
    """What lies in the folder, but for the folders of attempts whose thread still hangs: those go with the caller's."""
    return [path.name for path in folder.iterdir() if path.is_file()]


def test_right(mirror, tmp_path):
    path = get(tmp_path, mirror.url("right"))
    assert path == tmp_path / "file.bin"
    assert path.read_bytes() == RIGHT
    assert list(tmp_path.iterdir()) == [path]
    assert mirror.count("right") == 1


def test_hash_unknown(mirror, tmp_path):
    assert get(tmp_path, mirror.url("right"), hash=None).read_bytes() == RIGHT


def test_tried_again(mirror, tmp_path):
    assert get(tmp_path, mirror.url("busy-then-right")).read_bytes() == RIGHT
    assert mirror.count("busy-then-right") == 2


FAULTS = {
    "wrong": "other bytes",
    "page": "other bytes",
    "missing": "HTTP status 404",
    "cut": "cut",
    "cut-without-length": "other bytes",
    "reset": "cut",
    "silent": "no answer",
    "stall": "",  # "stalled", or the socket's own limit says it first
    "drip": "stalled",
    "drip-headers": "no answer",
    "nobody": "no answer",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_end_in_bounded_time_with_a_reason(fault, mirror, tmp_path):
    url = nobody() if fault == "nobody" else mirror.url(fault)
    began = time.monotonic()
    with pytest.raises(UserError) as error:
        get(tmp_path, url)
    assert time.monotonic() - began < 20  # two attempts, on a busy machine
    assert_one_sentence(str(error.value), "file.bin could not be downloaded", url, FAULTS[fault])
    assert not visible(tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_mirror_is_used(fault, mirror, tmp_path):
    url = nobody() if fault == "nobody" else mirror.url(fault)
    assert get(tmp_path, url, mirror.url("right")).read_bytes() == RIGHT
    assert visible(tmp_path) == ["file.bin"]


def test_the_reasons_of_all_mirrors_are_told(mirror, tmp_path):
    with pytest.raises(UserError) as error:
        get(tmp_path, mirror.url("missing"), mirror.url("wrong"))
    assert_one_sentence(str(error.value), "404", mirror.url("missing"), "other bytes", mirror.url("wrong"))


def test_without_network_the_whole_wait_is_short(mirror, tmp_path):
    """The time until the first byte is shared by all mirrors, and those that never answered are not asked again."""
    began = time.monotonic()
    with pytest.raises(UserError):
        get(tmp_path, *(mirror.url(f"silent/{i}") for i in range(4)))
    assert time.monotonic() - began < 2 * download.FIRST_BYTE_SECONDS + 3
    assert set(mirror.requests.values()) == {1}


def reason_of(folder, *urls):
    with pytest.raises(UserError) as error:
        get(folder, *urls)
    assert_one_sentence(str(error.value), "file.bin could not be downloaded")
    assert not (folder / "file.bin").exists()
    return str(error.value)


def test_a_certificate_that_is_not_trusted(secure, tmp_path, monkeypatch):
    """And what the sentence says to do helps."""
    reason = reason_of(tmp_path, secure)
    assert f"{secure}: no connection, its certificate is not trusted (self-signed certificate)" in reason
    assert "REQUESTS_CA_BUNDLE" in reason
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    assert get(tmp_path, secure).read_bytes() == RIGHT


@pytest.mark.parametrize("variable", download.CERTIFICATES)
def test_a_file_of_certificates_that_is_not_there(variable, secure, tmp_path, monkeypatch):
    """It is told once, however many mirrors there are."""
    missing = tmp_path / "missing.pem"
    monkeypatch.setenv(variable, str(missing))
    assert reason_of(tmp_path, secure, f"{secure}?").endswith(
        f": there is no file of certificates {missing}, which {variable} names: correct that variable, or unset it"
    )
    missing.write_text("no certificate")
    assert f"there are no certificates in {missing}, which {variable} names" in reason_of(tmp_path, secure)


def test_a_server_that_knows_no_secure_connections(mirror, tmp_path):
    url = mirror.url("right").replace("http:", "https:")
    assert f"{url}: no connection that is secure (" in reason_of(tmp_path, url)


@pytest.mark.parametrize("fault", ["refuses: 403 Forbidden", "gives no answer"])
def test_a_proxy_that_does_not_help(fault, mirror, tmp_path, monkeypatch):
    port = mirror.server_port if "refuses" in fault else 9  # where nobody listens
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://someone:secret@127.0.0.1:{port}")
    reason = reason_of(tmp_path, "https://example.org/file.bin")
    assert f"https://example.org/file.bin: no connection, your proxy (HTTPS_PROXY) {fault}" in reason
    assert "secret" not in reason


def test_a_folder_that_cannot_be_written(mirror):
    with pytest.raises(UserError, match="cannot write"):
        get(Path("/proc/no-such-folder"), mirror.url("right"))


# Through common.data


@pytest.fixture
def served_mnist(mirror, tmp_path, fake_mnist, tiny_mnist, monkeypatch):
    """MNIST comes from the test server, with tiny arrays; a function sets how the server behaves."""
    mirror.content = fake_mnist(tmp_path / "served.npz").read_bytes()
    digest = "sha256:" + hashlib.sha256(mirror.content).hexdigest()

    def behave(*behaviours):
        urls = tuple(mirror.url(behaviour) for behaviour in behaviours)
        remotes = (Remote("mnist.npz", urls, digest),)
        spec = replace(mnist.SPEC, remotes=remotes, sample=tiny_mnist.values)
        monkeypatch.setattr(mnist, "SPEC", spec)
        return remotes[0]

    return behave


def load(folder, kind="full"):
    return data.load("mnist", argparse.Namespace(data=kind, data_dir=folder, limit=None, seed=0))


def left(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize("fault", ["wrong", "page", "missing", "cut", "drip", "silent"])
def test_nothing_is_left_of_a_failed_download(fault, served_mnist, tmp_path):
    served_mnist(fault)
    folder = tmp_path / "data"
    with pytest.raises(UserError) as error:
        load(folder)
    assert_one_sentence(str(error.value), "could not be downloaded", f"put mnist.npz into {folder}")
    wait_for(lambda: left(folder) == [], 10)


def test_a_file_of_the_right_hash_is_kept(served_mnist, tmp_path, tiny_mnist, mirror):
    served_mnist("cut", "right")
    digits = load(tmp_path / "data")
    np.testing.assert_array_equal(digits.x_train, tiny_mnist["x_train"])
    assert left(tmp_path / "data") == ["mnist.npz"]
    load(tmp_path / "data")
    assert mirror.count("right") == 1


CLIENT = r"""
import argparse, json, os, sys
from dataclasses import replace
from pathlib import Path
from common import data
from common.data import download, mnist
url, hash, folder, n = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
download.FIRST_BYTE_SECONDS = download.STALL_SECONDS = 120
remotes = (download.Remote("mnist.npz", (url,), hash),)
mnist.SPEC = replace(mnist.SPEC, remotes=remotes)
ready, go = os.pipe()
children = []
for i in range(n):
    pid = os.fork()
    if not pid:
        os.close(go)
        os.read(ready, 1)  # returns in all children at once, when the parent closes its end
        digits = data.load("mnist", argparse.Namespace(data="full", data_dir=folder, limit=None, seed=0))
        os.write(1, (json.dumps([digits.source.sha256, int(digits.x_train.sum())]) + "\n").encode())  # in one piece
        os._exit(0)
    children.append(pid)
os.close(go)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


def client(remote, folder, processes):
    command = [sys.executable, "-c", CLIENT, remote.urls[0], remote.hash, str(folder), str(processes)]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def test_eight_processes_on_an_empty_folder_make_one_download(served_mnist, tmp_path, mirror, tiny_mnist):
    process = client(served_mnist("slow"), tmp_path / "data", 8)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    expected = [hashlib.sha256(mirror.content).hexdigest(), int(tiny_mnist["x_train"].sum())]
    assert [json.loads(line) for line in output.splitlines()] == [expected] * 8
    assert mirror.count("slow") == 1
    assert errors.count("downloading") == 1
    assert left(tmp_path / "data") == ["mnist.npz"]


def test_a_killed_download_is_taken_over(served_mnist, tmp_path, mirror):
    """The lock dies with its owner, and what the owner left is removed."""
    process = client(served_mnist("stall"), tmp_path / "data", 1)
    wait_for(lambda: mirror.count("stall"))
    wait_for(lambda: any(path.is_file() for path in (tmp_path / "data" / ".mnist.npz.download").rglob("*")))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert left(tmp_path / "data") == [".mnist.npz.download"]
    served_mnist("right")
    assert load(tmp_path / "data").source.kind == "full"
    assert left(tmp_path / "data") == ["mnist.npz"]
