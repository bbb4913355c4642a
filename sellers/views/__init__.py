"""The pages of seller accounts."""
