"""How the works are measured, judged and told."""
