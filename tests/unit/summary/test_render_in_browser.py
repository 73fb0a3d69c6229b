"""Loads the pages from the file system in a real browser, without a window."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGES = (
    "index",
    "data",
    "triplets",
    "examples",
    "training",
    "benchmarks",
    "published",
)
BROWSER = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
        if (found := shutil.which(name))
    ),
    None,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed"),
]

# What a probe does in a page that is 400 pixels wide, and what it tells the page around.
PROBE = """
addEventListener("load", () => {
  const root = document.documentElement;
  const unit = document.querySelector(".unit");
  let lit = "none";
  if (unit) {
    unit.dispatchEvent(new FocusEvent("focus"));
    const parts = [...document.querySelectorAll(".is-lit")];
    lit = [...new Set(parts.map((part) => part.dataset.units))].join(",")
      + ":" + [...new Set(parts.map((part) => part.tagName.toLowerCase()))].sort().join(",");
  }
  document.getElementById("theme").click();
  parent.postMessage(
    [root.scrollWidth, root.clientWidth, root.dataset.theme, lit].join(" "), "*");
});
"""
AROUND = """<!doctype html><body data-said="nothing">
<script>
addEventListener("message", (event) => { document.body.dataset.said = event.data; });
</script>
<iframe src="probe-PAGE.html?theme=light" style="width: 400px; height: 900px; border: 0">
</iframe>"""


def load(page: Path, *, profile: Path, query: str = "", setting: str = "") -> str:
    """Load a page, fail on any message of its scripts, and return its DOM."""
    command = [
        str(BROWSER),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={profile}",
        "--enable-logging=stderr",
        "--v=0",
        "--virtual-time-budget=3000",
        *([setting] if setting else []),
        "--dump-dom",
        f"{page.as_uri()}{query}",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_without_errors_in_both_themes(
    summary: Path, tmp_path: Path, page: str, theme: str
) -> None:
    dom = load(summary / f"{page}.html", profile=tmp_path, query=f"?theme={theme}")

    assert f'data-ready="{theme}"' in dom
    assert f'data-theme="{theme}"' in dom
    pressed = re.search(r'<button[^>]*id="theme"[^>]*>', dom)
    assert pressed is not None
    assert f'aria-pressed="{str(theme == "dark").lower()}"' in pressed[0]


def test_the_theme_of_the_system_is_followed(summary: Path, tmp_path: Path) -> None:
    dom = load(
        summary / "index.html",
        profile=tmp_path,
        setting="--blink-settings=preferredColorScheme=0",
    )

    assert 'data-ready="dark"' in dom


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone_and_its_parts_respond(
    summary: Path, tmp_path: Path, page: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(summary, copy)
    text = (copy / f"{page}.html").read_text(encoding="utf-8")
    probed = text.replace("</body>", f"<script>{PROBE}</script></body>")
    (copy / f"probe-{page}.html").write_text(probed, encoding="utf-8")
    (copy / "around.html").write_text(AROUND.replace("PAGE", page), encoding="utf-8")

    dom = load(copy / "around.html", profile=tmp_path / "profile")

    said = re.search(r'data-said="([^"]*)"', dom)
    assert said is not None
    needed, given, theme, lit = said[1].split(" ")
    assert int(needed) <= int(given)
    assert theme == "dark"
    assert lit == ("1:li,mark,rect" if page == "examples" else "none")


def test_a_script_in_a_report_does_not_run(summary: Path, tmp_path: Path) -> None:
    dom = load(summary / "examples.html", profile=tmp_path)

    assert dom.count("<script") == 1
    assert "&lt;script&gt;alert" in dom
