"""From raw data sets to weights."""
