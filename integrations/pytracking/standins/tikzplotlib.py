"""Stands in for tikzplotlib, which pytracking imports to save plots as TeX; it does not run under matplotlib 3.8."""
