"""Stands in for `visdom.server`."""
