"""Submissions to evaluation servers: every fault is found before anything is packed.

A module a server (`got10k`, `trackingnet`); `evaluation.submissions.archive` packs. `docs/submissions.md` tells how.
"""
