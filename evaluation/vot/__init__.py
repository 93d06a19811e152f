"""VOT's experiments in process: sequences with rotated boxes and masks, workspaces, results and scores.

Sequences and workspaces are read and written without the VOT toolkit. Results are written, and scores computed, by the
toolkit's own code, which the extra `vot` installs; `toolkit.py` is the only door to it.
"""
