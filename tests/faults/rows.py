"""All rows of the table of faults; to import it is to know them."""

from tests.faults import (
    amazon_answers,
    amazon_errors,
    amazon_lists,
    amazon_rows,
    amazon_tokens,
    postgres_limits,
    postgres_rows,
    redis_rows,
    shared_rows,
    version_rows,
    worker_rows,
)
from tests.faults.table import ROWS

MODULES = (
    amazon_answers,
    amazon_errors,
    amazon_lists,
    amazon_rows,
    amazon_tokens,
    postgres_rows,
    postgres_limits,
    redis_rows,
    shared_rows,
    version_rows,
    worker_rows,
)

__all__ = ["MODULES", "ROWS"]
