"""The check of a host: probes for what nobody knows of HCS, and the command that runs them."""
