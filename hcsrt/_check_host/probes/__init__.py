"""The probes, a module for each group of points."""
