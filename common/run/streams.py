"""Standard input, output and error that stop no program, whatever they are connected to.

What cannot be shown (Chinese on a terminal that knows ASCII only, a name of bytes that are no text) is escaped. A
stream that was closed before the start reads and writes nothing. Where nobody reads any longer (`| head`) and where
there is no room (`> file` on a full disk), what is written is dropped: a training goes on, and saves what it learns.
"""

import io
import os
import sys


class Output(io.FileIO):
    """The file behind standard output or error. lost: the OSError that the last failed write met, else None."""

    lost = None

    def write(self, content):
        try:
            return super().write(content)
        except OSError as error:
            self.lost = error
            return len(content)


def prepare():
    """Put such streams in the place of those that Python has opened. Any others are somebody's own, and are kept."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # The lowest free number is the one that was closed: a file of ours that got it would be written into by
            # libraries, which know nothing of sys.stdout.
            number, encoding = os.open(os.devnull, os.O_RDWR), "utf-8"
        elif name == "stdin" or stream is not getattr(sys, f"__{name}__"):
            continue
        elif os.name == "nt" and stream.isatty():  # the console takes text; bytes it would read in its code page
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
            continue
        else:
            stream.flush()
            number, encoding = stream.fileno(), stream.encoding
        if name == "stdin":
            sys.stdin = os.fdopen(number, encoding=encoding)
        else:
            file = io.BufferedWriter(Output(number, "w", closefd=False))
            setattr(sys, name, io.TextIOWrapper(file, encoding, "backslashreplace", line_buffering=True))


def lost():
    """The OSError because of which nobody gets what is written to standard output, or None."""
    file = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return file.lost if isinstance(file, Output) else None
