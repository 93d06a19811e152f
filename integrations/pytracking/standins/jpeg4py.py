"""Stands in for jpeg4py, which pytracking imports for its training; frames are read by OpenCV."""
