"""One training run: its options, device, folder, checkpoints, and how it is opened again."""
