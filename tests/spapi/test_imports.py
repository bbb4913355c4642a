"""The package stands by itself: requests and the standard library, nothing of ours."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "spapi"
ALLOWED = {"requests": {"transport"}, "urllib3": {"transport", "connections"}}


def imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add((node.module or "").split(".")[0])
    return found


def test_only_the_transport_imports_requests_and_nothing_else_is_foreign() -> None:
    modules = list(PACKAGE.glob("**/*.py"))
    assert len(modules) > 10
    for module in modules:
        foreign = imports(module) - set(sys.stdlib_module_names) - {"spapi"}
        allowed = {name for name, users in ALLOWED.items() if module.stem in users}
        assert foreign <= allowed, module.name


def test_no_module_has_the_name_of_a_standard_one() -> None:
    # `types` and `operator`-like names inside a package are harmless, but they confuse readers.
    names = {module.stem for module in PACKAGE.glob("*.py")} - {"__init__", "types"}
    assert not names & set(sys.stdlib_module_names)


def test_package_is_imported_with_django_blocked() -> None:
    script = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'django', 'celery', 'redis', 'sandbox', 'sellers'}:\n"
        "            raise ImportError('blocked: ' + name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import spapi\n"
        "client = spapi.Client('na', spapi.Credentials('a', 'b', 'c'), limiter=spapi.Unlimited())\n"
        "client.close()\n"
        "assert 'django' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
