"""People: how they log in, their second factors and sessions, and the first of them."""
