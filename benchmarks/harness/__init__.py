"""The measuring, judging and reporting of the works."""
