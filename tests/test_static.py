"""The look: budgets, contrast, and nothing in a page that its policy forbids."""

from __future__ import annotations

import ast
import json
import math
import re
from functools import cache
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from solicit_dashboard.templatetags.dashboard import HTMX_CONFIG

ROOT = Path(__file__).resolve().parent.parent
CSS = sorted((ROOT / "static/css").glob("*.css"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LAYERS = ("tokens", "base", "layout", "components", "screens")
# Django's admin brings a look of its own, which this file changes into ours.
OURS = [path for path in CSS if path.stem != "admin"]

Colour = tuple[float, float, float]


def test_css_and_js_stay_small() -> None:
    assert sum(len(path.read_text().splitlines()) for path in CSS) < 900
    scripts = {path.name: path for path in (ROOT / "static/js").glob("*.js")}
    most = {"app.js": 300, "compose.js": 100, "files.js": 100, "passkeys.js": 100}
    assert set(scripts) == set(most)
    for name, lines in most.items():
        assert len(scripts[name].read_text().splitlines()) < lines, name


def test_each_layer_has_its_file_and_the_page_loads_them_in_order() -> None:
    assert {path.stem for path in OURS} == set(LAYERS)
    base = (ROOT / "templates/base.html").read_text()
    assert re.findall(r"css/(\w+)\.css", base) == list(LAYERS)
    for path in OURS:
        text = _without_comments(path)
        assert set(re.findall(r"@layer (\w+) \{", text)) == {path.stem}
    assert f"@layer {', '.join(LAYERS)};" in (ROOT / "static/css/tokens.css").read_text()


def _without_comments(path: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


def _linear(lightness: float, chroma: float, hue: float) -> Colour:
    """A colour of OKLCH in linear sRGB, cut to what a screen can show (Björn Ottosson's matrices)."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return tuple(min(1.0, max(0.0, part)) for part in (red, green, blue))  # type: ignore[return-value]


def _contrast(one: Colour, other: Colour) -> float:
    """The ratio of WCAG 2.2."""
    lights = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@cache
def _tokens(scheme: int) -> dict[str, Colour]:
    """The colours by their names; scheme 0 is light, 1 is dark."""
    text = _without_comments(ROOT / "static/css/tokens.css")
    found = {}
    for name, values in re.findall(r"--([\w-]+): light-dark\((.+)\);", text):
        pair = re.findall(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", values)
        assert len(pair) == 2, name
        lightness, chroma, hue = map(float, pair[scheme])
        found[name] = _linear(lightness, chroma, hue)
    return found


GROUNDS = ("page", "surface", "sunken", "hover", "accent-soft")
WORDS = ("text", "muted", "accent", "accent-strong", "good", "warn", "bad")
PAIRS = [
    *((word, ground) for word in WORDS for ground in GROUNDS),
    *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad")),
    *(("text", f"{tone}-soft") for tone in ("good", "warn", "bad")),
    *(("muted", f"{tone}-soft") for tone in ("good", "warn", "bad")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
]


def test_contrast_is_measured_as_the_standard_measures_it() -> None:
    white, black, grey = _linear(1, 0, 0), _linear(0, 0, 0), _linear(0.5999, 0, 0)
    assert _contrast(white, black) == pytest.approx(21, abs=0.01)
    assert _contrast(white, white) == pytest.approx(1)
    assert _contrast(white, grey) == pytest.approx(3.95, abs=0.05)  # grey is #808080


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("words", "ground"), PAIRS, ids=lambda name: name)
def test_words_can_be_read(words: str, ground: str, scheme: int) -> None:
    tokens = _tokens(scheme)
    assert _contrast(tokens[words], tokens[ground]) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_borders_of_controls_can_be_seen(scheme: int) -> None:
    tokens = _tokens(scheme)
    for ground in ("surface", "page"):
        assert _contrast(tokens["edge"], tokens[ground]) >= 3


def test_no_colour_is_written_outside_the_tokens() -> None:
    for path in OURS:
        if path.stem == "tokens":
            continue
        text = _without_comments(path)
        found = re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\([^)]*\)", text)
        # shadows behind a dialog are black whatever the scheme
        assert [colour for colour in found if not colour.startswith("rgb(0 0 0")] == [], path.name


def test_every_token_that_is_used_exists() -> None:
    text = "".join(path.read_text() for path in OURS)
    used, made = set(re.findall(r"var\(--([\w-]+)", text)), set(re.findall(r"--([\w-]+):", text))
    assert used <= made


# --- templates


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_keeps_to_the_policy_of_the_page(path: Path) -> None:
    text = re.sub(
        r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", path.read_text(), flags=re.DOTALL
    )
    assert not re.search(r"\sstyle\s*=|<style", text), "a style in the page"
    assert not re.search(r"\son[a-z]+\s*=|javascript:|hx-on|hx-vals=['\"]js", text), "a script"
    for script in re.findall(r"<script[^>]*>.*?</script>", text, re.DOTALL):
        assert re.fullmatch(r"<script[^>]* src=\"\{% static [^}]+%\}\"[^>]*></script>", script), (
            script
        )
    assert not re.search(r"\|\s*safe\b|autoescape off|mark_safe|\|\s*safeseq", text), "not escaped"
    assert not re.search(r"(src|href|action)=\"(https?:)?//", text), "another host"


def test_no_code_of_ours_calls_text_safe() -> None:
    found = []
    for app in ("audit", "messaging", "orders", "replenishment", "sellers", "solicit_dashboard"):
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            if not re.search(r"mark_safe|SafeText|html_safe|format_html", text):
                continue
            for node in ast.walk(ast.parse(text)):
                name = getattr(node, "id", getattr(node, "attr", ""))
                if name in ("mark_safe", "SafeText", "html_safe"):
                    found.append(f"{path}:{node.lineno}")  # type: ignore[attr-defined]
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "format_html":
                    first = node.args[0]
                    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                        found.append(f"{path}:{node.lineno} format_html of an expression")
    assert not found


def test_htmx_neither_evaluates_nor_keeps_anything() -> None:
    expected = {
        "includeIndicatorStyles": False,
        "allowEval": False,
        "allowScriptTags": False,
        "selfRequestsOnly": True,
        "historyCacheSize": 0,
    }
    assert expected.items() <= HTMX_CONFIG.items()


@pytest.mark.django_db
@pytest.mark.any_database
def test_the_page_carries_the_configuration_of_htmx_and_only_our_scripts() -> None:
    html = Client().get("/login/", follow=True).content.decode()
    meta = re.search(r"<meta name=\"htmx-config\" content='([^']+)'", html)
    assert meta
    text = meta[1].replace("&quot;", '"')
    assert json.loads(text) == HTMX_CONFIG
    assert 'hx-history="false"' in html
    scripts = re.findall(r"<script[^>]*src=\"([^\"]+)\"", html)
    assert scripts
    assert all(src.startswith("/static/") for src in scripts)
    assert not re.search(r"https?://", html)


def test_every_file_that_a_template_names_exists() -> None:
    for path in TEMPLATES:
        for name in re.findall(r"\{% static ['\"]([^'\"]+)['\"] %\}", path.read_text()):
            assert finders.find(name), f"{path.name}: {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "static/js").glob("*.js")), ids=lambda path: path.name
)
def test_a_script_evaluates_nothing_and_speaks_to_nobody_else(path: Path) -> None:
    text = re.sub(r"//[^\n]*", "", path.read_text())
    for word in (
        "eval(",
        ".innerHTML",
        ".outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "http:",
    ):
        assert word not in text
    assert "localStorage" not in text
