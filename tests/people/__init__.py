"""Tests of people's log-ins."""
