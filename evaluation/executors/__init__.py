"""Where runs are carried out: one module an executor."""
