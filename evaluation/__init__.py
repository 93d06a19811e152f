"""Benchmarks, runs, results on disk, and scores; it knows trackers only through `siamcar.protocol`."""
