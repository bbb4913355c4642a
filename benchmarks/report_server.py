"""Stands for Amazon in the measurement of a report: makes one of so many lines, and gives it out.

python -m benchmarks.report_server LINES: prints its address when the report is ready. A process of
its own, so that its memory is not counted.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copyfileobj

from sandbox.report_columns import BY_UPDATE, COLUMNS

NAMES = COLUMNS[BY_UPDATE]
REPORT = "/reports/2021-06-30/reports"
DOCUMENT = "/reports/2021-06-30/documents"


def main() -> int:
    """Serves until it is ended."""
    lines = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="solicit-report-") as folder:
        path = Path(folder) / "report.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            for line in report_lines(lines):
                file.write(line)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path))
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
    return 0


def report_lines(number: int) -> Iterator[bytes]:
    """The head, and so many lines in the order of their time: every third order has two."""
    yield ("\t".join(NAMES) + "\r\n").encode()
    begun = datetime.now(UTC).replace(microsecond=0) - timedelta(days=60)
    step = timedelta(days=60) / max(number, 1)
    for line in range(number):
        order = line - (line + 1) // 4
        yield _line(order, begun + step * order).encode()


def _line(order: int, at: datetime) -> str:
    by_amazon = order % 3 == 0
    cells = {
        "amazon-order-id": f"302-{order * 7919 % 9_999_991:07d}-{order:07d}",
        "purchase-date": at.isoformat(),
        "last-updated-date": (at + timedelta(hours=30)).isoformat(),
        "order-status": "Shipped",
        "fulfillment-channel": "Amazon" if by_amazon else "Merchant",
        "sales-channel": "Amazon.de",
        "ship-service-level": "Standard",
        "product-name": "Emaillebecher, 350 ml, mit einem Griff aus Holz, spülmaschinenfest",
        "sku": f"SKU-{order % 997}",
        "asin": f"B0{order % 997:08d}",
        "quantity": "1",
        "currency": "EUR",
        "item-price": "24.90",
        "ship-city": "Canary City",
        "ship-state": "Canary State",
        "ship-postal-code": "00000",
        "ship-country": "DE",
        "is-business-order": "false",
    }
    return "\t".join(cells.get(name, "") for name in NAMES) + "\r\n"


def _handler(path: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == REPORT:
                self._say({"reportId": "1"}, 202)
            else:
                self._say({"access_token": "Atza|x", "token_type": "bearer", "expires_in": 3600})

        def do_GET(self) -> None:
            if self.path.startswith(REPORT):
                done = {"processingStatus": "DONE", "reportDocumentId": "1"}
                self._say({"reportId": "1", "reportType": "", **done})
            elif self.path.startswith(DOCUMENT):
                url = f"http://{self.headers['Host']}/document"
                self._say({"reportDocumentId": "1", "url": url, "compressionAlgorithm": "GZIP"})
            else:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain;charset=UTF-8")
                self.send_header("Content-Length", str(path.stat().st_size))
                self.end_headers()
                with path.open("rb") as file:
                    copyfileobj(file, self.wfile)

        def _say(self, document: object, status: int = 200) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing is logged."""

    return Handler


if __name__ == "__main__":
    sys.exit(main())
