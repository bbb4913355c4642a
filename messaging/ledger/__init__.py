"""Proof that the records of sending do not contradict each other."""
