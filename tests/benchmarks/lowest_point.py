"""The game of the lowest point under load: 200 players who guess at once, and the answer's delay beside the wait.

Run `python tests/benchmarks/lowest_point.py` (two minutes on two cores). It starts the playground as a teacher does,
and plays with real clients of its websocket, in a process of their own, on the same cores. --players, --guesses and
--wait take other numbers.
"""

import argparse
import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np

from hw1_mnist_mlp.lowest_point import views
from hw1_mnist_mlp.lowest_point.game import Game
from tests.players import Player

PATIENCE = 300  # seconds until something counts as lost


@contextlib.contextmanager
def served(folder):
    """Yield the address of a playground whose game lies in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "common.playground", "--port", port, "--outputs", folder, "--password", "teach"]
    server = subprocess.Popen(list(map(str, command)), cwd=ROOT)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert server.poll() is None and time.monotonic() < end, "the playground did not start"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


async def answered(player, x, wait):
    """Guess x; the seconds from the click until the answer is there, less the wait, or None if it never comes."""
    told = len(player.rows())
    began = time.perf_counter()
    await player.guess(str(x))
    with contextlib.suppress(TimeoutError):
        await player.until(lambda: len(player.rows()) > told)
        return time.perf_counter() - began - wait
    return None


async def play(address, options):
    """(the delays of all answers, a list a guess; the seconds that the joining of all took; lost connections)."""
    rng = np.random.default_rng(0)
    async with contextlib.AsyncExitStack() as stack:
        began = time.perf_counter()
        players = [Player(address, patience=options.wait + PATIENCE) for _ in range(options.players)]
        await asyncio.gather(*map(stack.enter_async_context, players))
        await asyncio.gather(*(player.join("load", f"player {i}") for i, player in enumerate(players)))
        joining = time.perf_counter() - began
        delays = []
        for _ in range(options.guesses):
            xs = rng.uniform(-10, 10, options.players).round(4)
            delays.append(
                await asyncio.gather(*(answered(p, x, options.wait) for p, x in zip(players, xs, strict=True)))
            )
        return delays, joining, sum(player.reopened for player in players)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--players", type=int, default=200, metavar="N")
    parser.add_argument("--guesses", type=int, default=5, metavar="N", help="of each player, all players at once (5)")
    parser.add_argument("--wait", type=float, default=10, metavar="SECONDS", help="the waiting time (10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(folder) as address:
        game = Game(Path(folder) / "lowest_point" / "game.sqlite")
        number = game.open_round("rough", "load", 60, options.guesses, options.wait)
        delays, joining, lost = asyncio.run(play(address, options))
        game.end(number)
        stored = sum(len(place.path) for place in views.board(game, number)[1])
        game.store.close()
    came = np.array([delay for row in delays for delay in row if delay is not None])
    asked = options.players * options.guesses
    print(f"{options.players} players joined in {joining:.1f} s; {lost} connections were lost and opened again")
    print(f"of {asked:,} guesses {asked - stored:,} were not stored and {asked - len(came):,} not answered")
    middle, most, longest = np.median(came), np.quantile(came, 0.99), came.max()
    print(f"from the click to the answer, beside the wait of {options.wait:g} s: ", end="")
    print(f"median {middle:.2f} s, 99 % {most:.2f} s, the longest {longest:.2f} s")


if __name__ == "__main__":
    main()
