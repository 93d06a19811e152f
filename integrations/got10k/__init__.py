"""The GOT-10k toolkit (extra `got10k`): our trackers in its experiments, its trackers in our runner."""
