"""The works that are measured."""
