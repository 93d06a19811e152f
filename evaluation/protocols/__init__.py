"""How a tracker is run over a sequence: one module a protocol."""
