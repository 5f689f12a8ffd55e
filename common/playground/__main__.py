"""Serves the playground: python -m common.playground

    python -m common.playground                    for this machine alone: http://127.0.0.1:8080
    python -m common.playground --host 0.0.0.0     for a class: says the address to type, and the code that joins

Everything stays on this machine: no page asks another host for anything.
"""

import secrets
import socket
import sys

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
from nicegui import app, ui

from common.errors import UserError
from common.playground import frame, models
from common.playground.gate import Gate

HERE = "127.0.0.1"
RECONNECT = 30.0  # seconds that a page is kept when its connection is lost: phones sleep, and a class fills a Wi-Fi


def serve(pages, **options):
    """Start the server for `pages` (see frame.find); options: those of ui.run. Comes back when it is stopped."""
    ui.run(
        frame.root(pages),
        title="Playground",
        reload=False,
        show=False,
        show_welcome_message=False,
        reconnect_timeout=RECONNECT,
        **options,
    )


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def address_of(host):
    """The address by which other machines reach this one, when it listens on `host`."""
    if host not in ("0.0.0.0", "::"):
        return host
    far = "2001:db8::1" if ":" in host else "192.0.2.1"
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((far, 9))  # nothing is sent: the system says which of its addresses it would use
            return asking.getsockname()[0]
        except OSError:
            return socket.gethostname()


def check_free(host, port):
    """Raise UserError where nothing can listen on host and port."""
    try:
        with socket.create_server((host, port), family=family_of(host)):
            pass
    except OSError as error:
        raise UserError(f"cannot listen on {host}, port {port} ({error.strerror}): choose another --port") from None
    except OverflowError:
        raise UserError(f"there is no port {port}: --port is a number from 1 to 65535") from None


@cli.guarded
def main(argv=None):
    parser = cli.Parser(__doc__, prog="python -m common.playground")
    add = parser.add_argument
    add("--host", default=HERE, metavar="ADDRESS", help=f"who can reach it: 0.0.0.0 for the whole network ({HERE})")
    add("--port", type=cli.positive, default=8080, metavar="N", help="(8080)")
    add("--outputs", type=cli.path, metavar="DIR", help="folder of the runs (outputs/)")
    add("--password", type=cli.text, metavar="TEXT", help="of the teacher, in games (drawn anew, and printed)")
    cli.data_dir_option(parser)
    options = parser.parse_args(argv)
    models.where.outputs, models.where.data_dir = options.outputs, options.data_dir
    models.where.password = options.password or f"{secrets.randbelow(10**8):08}"
    check_free(options.host, options.port)
    pages = frame.find()
    if options.host == HERE:
        app.add_middleware(Gate, hosts=(HERE, "localhost"))
        print(f"the playground: http://{HERE}:{options.port}   (Ctrl-C stops it)", flush=True)
    else:
        code = f"{secrets.randbelow(1_000_000):06}"
        app.add_middleware(Gate, code=code)
        address = address_of(options.host)
        where = f"http://{f'[{address}]' if ':' in address else address}:{options.port}"
        print(f"the playground: {where}   the code that joins: {code}   (Ctrl-C stops it)", flush=True)
    if not options.password:
        print(f"the teacher's password: {models.where.password}", flush=True)
    serve(pages, host=options.host, port=options.port)


if __name__ == "__main__":
    sys.exit(main())
