"""From frames to the network's inputs, and from its maps back to boxes."""
