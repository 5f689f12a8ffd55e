"""The game of the lowest point, a page of `python -m common.playground`."""
