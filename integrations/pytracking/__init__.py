"""pytracking (a checkout of github.com/visionml/pytracking): our trackers under its own scripts."""
