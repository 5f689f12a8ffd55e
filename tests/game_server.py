"""A server of the game alone, which starts in seconds because it needs no Keras: PORT OUTPUTS PASSWORD."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nicegui import ui

from common.playground import frame
from common.playground.given import where
from hw1_mnist_mlp.lowest_point import page

if __name__ == "__main__":
    where.outputs, where.password = Path(sys.argv[2]), sys.argv[3]
    heavy = {"keras", "tensorflow", "jax"} & set(sys.modules)
    assert not heavy, heavy
    root = frame.root({page.NAME: page})
    ui.run(root, host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, show_welcome_message=False)
