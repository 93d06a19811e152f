"""Pure functions from boxes to scores: one module a metric."""
