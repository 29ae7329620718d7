"""The documentation builds as a site without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tools.site import PAGES

ROOT = Path(__file__).parent.parent


def test_site_builds_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} | {Path(name).stem for name in PAGES.values()}
    assert pages <= {path.stem for path in tmp_path.glob("*.html")}
    for page in tmp_path.glob("*.html"):
        assert not re.findall(
            r"""(?:src|href)=["']https?://(?!127\.0\.0\.1|localhost)[^"']*\.(?:js|css)""", page.read_text()
        )
