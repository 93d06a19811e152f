"""Stands in for visdom, which pytracking imports; without it `--debug` draws with matplotlib."""
