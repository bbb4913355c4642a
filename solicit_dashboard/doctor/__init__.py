"""The connection doctor: what is well, and of what is not, what to do about it."""
