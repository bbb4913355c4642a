"""The list of what a release is made of."""

from __future__ import annotations

import re
from importlib.metadata import distributions

from solicit_dashboard.sbom import ROOT, components, document

# Only on other systems or older Pythons, as their markers in the lock say.
MARKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==\S+ ;", re.MULTILINE)


def test_the_list_names_every_package_that_is_installed() -> None:
    found = {one["name"]: one for one in document()["components"]}
    lock = (ROOT / "requirements.txt").read_text()
    installed = {
        one.name.lower().replace("_", "-").replace(".", "-"): one for one in distributions()
    }
    for name in {name.replace(".", "-") for name in found} - set(MARKED.findall(lock)):
        assert name in installed, name
        assert found[name]["version"] == installed[name].version
    assert {"django", "celery", "cryptography", "redis", "requests"} <= set(found)
    assert all(one["hashes"] for one in found.values())


def test_each_line_of_a_lock_is_one_component_with_all_its_hashes() -> None:
    lock = (
        "# made by a tool\n"
        f"some_package[extra]==1.2.3 ; sys_platform == 'win32' \\\n    --hash=sha256:{'a' * 64} \\\n"
        f"    --hash=sha256:{'b' * 64}\n    # via other\nother==2 --hash=sha256:{'c' * 64}\n"
    )
    first, second = components(lock)
    assert first["purl"] == "pkg:pypi/some-package@1.2.3"
    assert [one["content"][0] for one in first["hashes"]] == ["a", "b"]
    assert (second["name"], second["version"], len(second["hashes"])) == ("other", "2", 1)


def test_the_document_is_a_list_for_machines() -> None:
    made = document()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    assert made["metadata"]["component"]["name"] == "solicit-dashboard"
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(refs) == len(set(refs)) > 20
