"""What several pages are made of: bars of probabilities, pictures, a field to draw in, an upload."""
