"""Adapters for other toolkits, one folder a toolkit."""
