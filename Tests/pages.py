#!/usr/bin/env python3
"""Opens pages of loadtest in Chromium, and says what is wrong with what people would see.

    Tests/pages.py PAGE.html... [--shots DIRECTORY]

Each page is looked at 1280 and 400 pixels wide, dark, and as it is printed:

    nothing is wider than the window      no text of a picture touches another, or leaves it
    letters have nine pixels at least     no name lies in a plot, over what is plotted
    a contrast of 4.5 (WCAG 1.4.3)        a page has 300 kB at most

What is folded is opened before. With --shots the pictures of what was looked at stay there.
Needs chromium-driver and selenium.
"""
import argparse
import base64
import os
import pathlib
import sys

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

BYTES_MAX = 300_000
# Name, width, what the reader's system prefers, and the medium.
VIEWS = [
    ("wide", 1280, "light", "screen"), ("narrow", 400, "light", "screen"),
    ("dark", 1280, "dark", "screen"), ("print", 700, "light", "print"),
]

CHECK = r"""
const found = [];
const say = (what, element) => found.push(
    what + ': "' + element.textContent.trim().slice(0, 60) + '"');
const root = document.documentElement;
if (root.scrollWidth > innerWidth)
    found.push(`the page is ${root.scrollWidth} pixels wide, the window ${innerWidth}`);
const isSeen = (element) => element.getClientRects().length > 0;

for (const picture of document.querySelectorAll('svg.chart')) {
    if (!isSeen(picture)) continue;
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll('text')].map(
        (text) => [text, text.getBoundingClientRect()]);
    const scale = frame.width / picture.viewBox.baseVal.width;
    for (const [text, box] of texts) {
        if (parseFloat(getComputedStyle(text).fontSize) * scale < 9) say('small letters', text);
        const isBeside = box.left < frame.left - 1 || box.right > frame.right + 1;
        if (isBeside || box.bottom > frame.bottom + 1) say('leaves its picture', text);
    }
    const touches = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
    texts.forEach(([text, box], index) => {
        for (const [other, otherBox] of texts.slice(index + 1))
            if (touches(box, otherBox)) say(`lies over "${other.textContent}"`, text);
    });
    const plot = picture.querySelector('.frame');
    // The words of an empty plot stand in it, and the sign of an open end.
    if (plot && texts.length > 2) {
        const box = plot.getBoundingClientRect();
        for (const [text, own] of texts)
            if (text.textContent !== '≥' && touches(own, box))
                say('hides what is plotted', text);
    }
}

const parse = (color) => {
    const numbers = (color.match(/[\d.]+/g) || []).map(Number);
    return {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
};
const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
        const color = parse(getComputedStyle(at).backgroundColor);
        if (color.alpha > 0.99) return color.rgb;
    }
    return [255, 255, 255];
};
const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => {
        const share = value / 255;
        return share <= 0.03928 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !isSeen(element)) continue;
    if (['title', 'desc', 'style'].includes(element.tagName.toLowerCase())) continue;
    const style = getComputedStyle(element);
    const color = parse(element instanceof SVGElement ? style.fill : style.color).rgb;
    const value = contrast(color, ground(element));
    if (value < 4.5) say(`a contrast of ${value.toFixed(1)}`, element);
}
return found;
"""


def browser():
    options = Options()
    words = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars"
    for word in words.split():
        options.add_argument(word)
    options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def look(driver, page, view, shots):
    """What is wrong with a page in a view."""
    name, width, scheme, medium = view
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "media": medium, "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    driver.get(page.resolve().as_uri())
    if shots:
        save(driver, shots / f"{page.stem}-{name}.png", width)
    driver.execute_script(
        "document.querySelectorAll('details').forEach((fold) => fold.open = true)")
    return driver.execute_script(CHECK)


def save(driver, path, width):
    height = driver.execute_script("return document.documentElement.scrollHeight")
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
    path.write_bytes(base64.b64decode(shot["data"]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.shots:
        arguments.shots.mkdir(parents=True, exist_ok=True)
    driver = browser()
    wrong = 0
    try:
        for page in arguments.pages:
            size = page.stat().st_size
            faults = [("size", f"{size:,} bytes")] if size > BYTES_MAX else []
            for view in VIEWS:
                faults += [(view[0], fault) for fault in look(driver, page, view, arguments.shots)]
            print(f"{page.name}: {size:,} bytes, {len(faults)} faults in {len(VIEWS)} views")
            for view, fault in faults[:40]:
                print(f"  {view}: {fault}")
            wrong += len(faults)
    finally:
        driver.quit()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
