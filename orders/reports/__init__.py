"""Reports: how orders, arrivals and returns are read from Amazon's files, step by step."""
