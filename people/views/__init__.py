"""The pages of people's log-ins and of their own security."""
