"""python -m tests.security.history: whether any version of any file, in any commit, holds a secret.

Each stored content is read once, whichever commits it stands in. Exit code 1 for a finding; a
secret that was committed once is to be revoked, not to be removed.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What providers' keys look like (their own documentation), and what every private key begins with.
SECRETS = re.compile(
    rb"Atz[ar]\|[\w+/=-]{60,}"  # Amazon: refresh and access tokens
    rb"|amzn1\.oa2-cs\.v1\.(?!0{20})[0-9a-f]{64}"  # Amazon: client secrets; the tests' begin with zeros
    rb"|(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    rb"|gh[pousr]_\w{36}|github_pat_\w{50,}|glpat-[\w-]{20}"  # GitHub, GitLab
    rb"|xox[abprs]-[\w-]{10,}|https://hooks\.slack\.com/services/T\w+/B\w+/\w+"  # Slack
    rb"|AIza[\w-]{35}|sk_live_\w{20,}|SG\.[\w-]{22}\.[\w-]{43}|pypi-AgE\w{50,}"
    rb"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    rb"|https?://[0-9a-f]{32}@[\w.]*sentry\.io"
    rb"|eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}"  # signed tokens (JWT)
)
# The SHA-256 of what looks like one and is none of ours: examples in Amazon's published models.
WAIVED = frozenset(
    {
        # the presigned address in uploads_2020-11-01.json, long expired
        "90c6e15c11e6f27e2bc16884423e6d2a7d7b24c3005ebb4395501ad828266920",
    }
)


def main() -> int:
    """Each finding is told by its path and the beginning of what was found."""
    read, found = 0, 0
    for name, path, content in contents():
        read += 1
        for match in SECRETS.finditer(content):
            if hashlib.sha256(match[0]).hexdigest() not in WAIVED:
                found += 1
                sys.stdout.write(f"{path} ({name[:12]}): {match[0][:12].decode('latin-1')}…\n")
    sys.stdout.write(f"{read} contents of files in all commits, {found} findings.\n")
    return 1 if found or not read else 0


def contents(root: Path = ROOT) -> Iterator[tuple[str, str, bytes]]:
    """The id, a path and the content of every file that any commit of any branch holds."""
    listed = _git(root, "rev-list", "--objects", "--all").decode().splitlines()
    paths = dict(line.partition(" ")[::2] for line in listed)
    reader = subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    with reader:
        for name, path in paths.items():
            reader.stdin.write(f"{name}\n".encode())
            reader.stdin.flush()
            _name, kind, size = reader.stdout.readline().split()
            content = reader.stdout.read(int(size) + 1)[:-1]
            if kind == b"blob":
                yield name, path, content
            elif kind in (b"commit", b"tag"):
                yield name, f"{kind.decode()} message", content
        reader.stdin.close()


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True).stdout


if __name__ == "__main__":
    sys.exit(main())
