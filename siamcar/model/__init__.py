"""The network, its weights and their conversion. Kept empty: some of its modules do without PyTorch."""
