"""What the homeworks share: data, device, the run and its files, bars, figures, layer analysis."""
