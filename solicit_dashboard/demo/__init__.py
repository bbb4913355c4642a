"""The demonstration: people, accounts, orders and a past, on top of a sandbox."""
