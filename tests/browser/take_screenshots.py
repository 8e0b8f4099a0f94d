"""Take the README's pictures of the app: `python -m tests.browser.take_screenshots`.

Starts `python app.py` with what it is given and photographs the tabs; `--all FOLDER` adds dark
mode and the width of a phone, to look at.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import QUIET, ROOT, free_port, wait_for

DESK = {"width": 1320, "height": 900}
PHONE = {"width": 390, "height": 844}
MICROPHONE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
MARGIN = 16  # around the evidence
NAME_IT = """navigator.mediaDevices.enumerateDevices = async () =>
    [{kind: "audioinput", deviceId: "default", label: "Microphone", groupId: ""}]"""


def main() -> None:
    """Photograph the tabs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", metavar="FOLDER", type=Path, help="also dark and phone, here")
    options, app_arguments = parser.parse_known_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "app.log"
        with log.open("w") as output:
            command = [sys.executable, "app.py", "--port", str(port), *app_arguments]
            server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            wait_for(f"http://127.0.0.1:{port}/", server, log)
            photograph(f"http://127.0.0.1:{port}/", options.all)
        finally:
            server.terminate()
            server.wait(timeout=20)


def photograph(address: str, more: Path | None) -> None:
    """The tabs into assets/screenshots, and variants into `more`."""
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *MICROPHONE])
        take(browser, address, DESK, ROOT / "assets" / "screenshots")
        if more is not None:
            take(browser, f"{address}?__theme=dark", DESK, more / "dark")
            take(browser, address, PHONE, more / "phone")
            take(browser, f"{address}?__theme=dark", PHONE, more / "phone-dark")
        browser.close()


def take(browser, address: str, viewport: dict[str, int], folder: Path) -> None:
    """The tabs and the evidence of a right and of a wrong utterance, in one look of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport=viewport)
    page.add_init_script(NAME_IT)
    page.goto(address)
    page.locator("#recognised .mh-figure").wait_for(timeout=60_000)
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "recognise.png", full_page=True)
    evidence(page, 0, "five five five zero one nine two six", folder / "evidence-right.png")
    evidence(page, 3, "yes four down", folder / "evidence-wrong.png")
    page.locator("#model input").click()
    page.get_by_role("option", name="morse").click()
    page.locator("#recognised .mh-facts", has_text="cq-clean").wait_for()
    page.locator("#examples button").nth(1).click()
    page.locator("#recognised .mh-facts", has_text="by-hand").wait_for()
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "morse.png", full_page=True)
    page.get_by_role("tab", name="Errors").click()
    page.locator("#compared .mh-figure").wait_for(timeout=600_000)
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "errors.png", full_page=True)
    page.locator("#utterances [data-panel=causes]").click()
    page.locator("#utterances .mh-grid tbody tr").first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "causes.png")
    page.get_by_role("tab", name="Compare").click()
    page.locator("#compared-b .mh-figure").wait_for(timeout=60_000)
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "compare.png")
    page.get_by_role("tab", name="Data").click()
    page.locator("#described .mh-figure").wait_for(timeout=60_000)
    page.locator("#distribution-plot .bars path").first.wait_for()
    page.locator("#data-filters .mh-found summary").first.click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    page.screenshot(path=folder / "data.png", full_page=True)
    page.get_by_role("tab", name="Model").click()
    page.locator("#curves .js-plotly-plot").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "model.png")
    page.close()
    for path in folder.glob("*.png"):
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256).save(path, optimize=True)


def evidence(page, example: int, said: str, path: Path) -> None:
    """The evidence view of an example against what was said in it, without what stands below."""
    page.locator("#examples button").nth(example).click()
    page.locator("#recognised .mh-facts", has_text=said.replace(" ", "-")).wait_for()
    page.locator("#said textarea, #said input").first.fill(said)
    page.locator("#compare").click()
    page.locator("#recognised .mh-partings").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    box = page.locator("#recognised").bounding_box()
    left = max(0, box["x"] - MARGIN)
    area = {"x": left, "y": box["y"] - MARGIN, "width": box["x"] + box["width"] + MARGIN - left}
    clip = area | {"height": box["height"] + 2 * MARGIN}
    page.screenshot(path=path, full_page=True, clip=clip)


if __name__ == "__main__":
    main()
