"""Measurements against a peer or a bare call in the same run, as ratios: `make bench`."""
