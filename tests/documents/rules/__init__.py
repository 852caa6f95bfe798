"""Documents that break a rule, and such that do not: a module for each module of rules."""
