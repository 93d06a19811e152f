"""The VOT toolkit: a TraX server for any registered tracker, workspaces, the toolkit's own commands, packing.

The toolkit itself (GPL-3) is never imported here: it runs in a process of its own, in this environment or in another.
"""
