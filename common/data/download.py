"""Downloads that end in bounded time with the right bytes or with a reason."""

import os
import shutil
import ssl
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
from tqdm import tqdm

from common.errors import UserError

FIRST_BYTE_SECONDS = 12  # for all mirrors of a file together: without a network this is the whole wait
STALL_SECONDS = 20  # a mirror that sends less than MIN_BYTES in this time is given up
MIN_BYTES = 100_000
ATTEMPTS = 2  # per mirror that has answered at all
UNREACHABLE = ("no answer", "no connection")  # so begin the reasons of one that has not
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # variables that name a file of them, the first counts


pooch.get_logger().setLevel("ERROR")  # the progress bar and our own sentences say it


@dataclass(frozen=True)
class Remote:
    """A public file: its name, the addresses that hold it, and its hash ("sha256:..." or "md5:...", None: unknown)."""

    name: str
    urls: tuple
    hash: str | None


def fetch(remote, folder):
    """Download `remote` into `folder` and return its path; tries the mirrors in order.

    The file has its name only when whole and, where a hash is known, right. Raises UserError with the reason of
    every mirror when none delivers. One caller per folder at a time (common/data holds a lock).
    """
    reasons = {}
    for attempt in range(ATTEMPTS):
        for url in remote.urls:
            if attempt and reasons[url].startswith(UNREACHABLE):
                continue
            try:
                return _fetch_from(url, remote, folder, FIRST_BYTE_SECONDS / len(remote.urls))
            except OSError as error:
                if _wrong_certificates(error):  # the same for every mirror
                    raise UserError(f"{remote.name} could not be downloaded: {_wrong_certificates(error)}") from None
                if not isinstance(error, (requests.RequestException, TimeoutError)):  # disk full, folder read-only
                    raise UserError(f"cannot write {folder / remote.name}: {error.strerror or error}") from None
                reasons[url] = _reason(error)
            except ValueError:
                reasons[url] = "sent other bytes than expected (their hash differs)"
    raise UserError(f"{remote.name} could not be downloaded: " + "; ".join(f"{u}: {r}" for u, r in reasons.items()))


def _causes(error):
    """The exception, the one that it came from, and so on."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _wrong_certificates(error):
    """A sentence, if the user's own file of trusted certificates is to blame, else None."""
    variable = next((name for name in CERTIFICATES if os.environ.get(name)), None)
    if variable is None:
        return None
    file = f"{os.environ[variable]}, which {variable} names: correct that variable, or unset it"
    if type(error) is OSError and "certificate" in str(error):  # requests looks for it before it connects
        return f"there is no file of certificates {file}"
    if any(isinstance(cause, ssl.SSLError) and cause.library == "X509" for cause in _causes(error)):
        return f"there are no certificates in {file}"
    return None


def _reason(error):
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"no connection, its certificate is not trusted ({cause.verify_message}); if your network puts its own "
                f"in the place of all, name the file of that in {CERTIFICATES[0]}"
            )
        if isinstance(cause, ssl.SSLError):
            return f"no connection that is secure ({cause.reason or cause})"
        if "Tunnel connection failed" in str(cause) and type(cause) is OSError:
            return f"no connection, your proxy (HTTPS_PROXY) refuses: {str(cause).partition(': ')[2]}"
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection, your proxy (HTTPS_PROXY) gives no answer"
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "no answer (no network?)"
    return str(error)


class _Progress:
    """The progress object that pooch feeds: counts the bytes, and shows them on a terminal."""

    def __init__(self, name):
        self.received = 0
        self.bar = tqdm(desc=name, unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False)

    @property
    def total(self):
        return self.bar.total

    @total.setter
    def total(self, total):
        self.bar.total = total

    def update(self, n):
        self.received += n
        self.bar.update(n)

    def reset(self):
        self.bar.reset()

    def close(self):
        self.bar.close()


def _fetch_from(url, remote, folder, first_byte_seconds):
    """One attempt at one mirror, in a thread that is abandoned when it makes no headway.

    A time limit of the socket alone is not enough: name look-up has none, every address of a host has its own, and a
    server that sends a byte now and then never runs into it.
    """
    progress = _Progress(remote.name)
    attempt = Path(tempfile.mkdtemp(dir=folder))  # an abandoned thread can still write here, and harms nobody
    outcome = []

    def work():
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=STALL_SECONDS)
        try:
            outcome.append(pooch.retrieve(url, remote.hash, fname=remote.name, path=attempt, downloader=downloader))
        except Exception as error:
            outcome.append(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    began = window_began = time.monotonic()
    window_bytes = 0
    try:
        while worker.is_alive():
            worker.join(0.1)
            now = time.monotonic()
            if not progress.received and now - began > first_byte_seconds:
                raise TimeoutError(f"no answer within {first_byte_seconds:.0f} s")
            if now - window_began > STALL_SECONDS:
                if progress.received - window_bytes < MIN_BYTES:
                    raise TimeoutError(f"stalled after {progress.received:,} bytes")
                window_began, window_bytes = now, progress.received
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return Path(shutil.move(outcome[0], folder / remote.name))
    finally:
        progress.close()
        if not worker.is_alive():
            shutil.rmtree(attempt, ignore_errors=True)
