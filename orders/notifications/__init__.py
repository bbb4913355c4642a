"""Notifications of changed orders, from a queue of ours at AWS: set up, read, parked. Optional."""
