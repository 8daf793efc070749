#!/usr/bin/env python3
"""Plays the demo in tmux and draws its screen as docs/demo.svg; needs Python 3 and tmux, nothing else.

    scripts/demo-picture.py target/release/sluicegate > docs/demo.svg     plays for about 90 seconds
    scripts/demo-picture.py --from screen.ansi > docs/demo.svg            draws what `tmux capture-pane -p -e` gave

What the demo says at its end goes to stderr.
Not here: the demo. Every number in the picture is one that the demo showed.
"""

import os
import re
import subprocess
import sys
import time
from xml.sax.saxutils import escape

COLUMNS, ROWS = 110, 31
# The story: seconds to wait, then the key to press. The picture is taken after the last wait.
STORY = [(20, "d"), (12, "d"), (14, "f"), (8, "f"), (8, "c"), (8, "p"), (1, "t"), (6, "l"), (7, None)]
END_WITHIN_SECONDS = 200

CELL, LINE, SIZE = 8.4, 19, 14
MARGIN, BAR = 18, 38
PAGE, INK, FRAME, DIM = "#0d1117", "#d7dee6", "#3d4754", "#8b949e"
# The eight colours of a terminal, as they read well on a dark page.
COLOURS = ["#484f58", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#d7dee6"]
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
# To which neighbours a line goes: left, right, up, down.
LINES = {
    "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu",
    "├": "rud", "┤": "lud", "┬": "lrd", "┴": "lru", "┼": "lrud",
}
EIGHTHS = {chr(0x2580 + count): count for count in range(1, 9)}


def play(program):
    """The screen in the middle of the story, as tmux captures it."""
    session = f"demo-picture-{os.getpid()}"

    def tmux(*words):
        return subprocess.run(["tmux", *words], check=True, capture_output=True, text=True).stdout

    said = f"/tmp/{session}"
    command = f"'{os.path.abspath(program)}' demo 2>'{said}'; echo >>'{said}'; sleep 3600"
    tmux("new-session", "-d", "-s", session, "-x", str(COLUMNS), "-y", str(ROWS), command)
    try:
        for seconds, key in STORY:
            time.sleep(seconds)
            if key:
                tmux("send-keys", "-t", session, key)
        screen = tmux("capture-pane", "-p", "-e", "-t", session)
        tmux("send-keys", "-t", session, "q")
        print(verdict(said), file=sys.stderr)
    finally:
        tmux("kill-session", "-t", session)
        if os.path.exists(said):
            os.remove(said)
    return screen


def verdict(said):
    """What the demo counted; the empty line after it was written when it had ended."""
    until = time.time() + END_WITHIN_SECONDS
    while time.time() < until:
        with open(said, encoding="utf-8") as file:
            text = file.read()
        if text.endswith("\n\n"):
            return text.strip().splitlines()[-1]
        time.sleep(0.5)
    raise SystemExit("demo-picture: the demo did not end; look at it with `sluicegate demo`")


def cells(row):
    """(character, ink, paper, bold) of each cell of a row; None is the terminal's own colour."""
    ink, paper, bold, swapped = None, None, False, False
    found = []
    for codes, character in re.findall(r"\x1b\[([0-9;]*)m|(.)", row):
        if character:
            pair = (paper or PAGE, ink or INK) if swapped else (ink, paper)
            found.append((character, *pair, bold))
            continue
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                ink, paper, bold, swapped = None, None, False, False
            elif code in (1, 22):
                bold = code == 1
            elif code in (7, 27):
                swapped = code == 7
            elif code in (38, 48) and codes[:1] == [5]:
                colour = COLOURS[codes[1] % 8]
                codes = codes[2:]
                ink, paper = (colour, paper) if code == 38 else (ink, colour)
            elif 30 <= code <= 37:
                ink = COLOURS[code - 30]
            elif 40 <= code <= 47:
                paper = COLOURS[code - 40]
            elif code == 39:
                ink = None
            elif code == 49:
                paper = None
    return found


def runs(row):
    """Neighbours that look alike, as (first column, text, ink, paper, bold)."""
    grown = []
    for column, (character, *look) in enumerate(cells(row)):
        if grown and grown[-1][2:] == look:
            grown[-1][1] += character
        else:
            grown.append([column, character, *look])
    return grown


def rectangle(x, y, width, height, colour, extra=""):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"{extra}/>'


def frame(character, x, y):
    """A piece of a box, drawn, so that it closes in every font."""
    middle, centre = x + CELL / 2, y + LINE / 2
    ends = {"l": (x, centre), "r": (x + CELL, centre), "u": (middle, y), "d": (middle, y + LINE)}
    path = "".join(f"M{middle:.1f} {centre:.1f}L{a:.1f} {b:.1f}" for a, b in (ends[it] for it in LINES[character]))
    return f'<path d="{path}"/>'


def words(x, y, text, ink, bold):
    weight = ' font-weight="700"' if bold else ""
    lead = len(text) - len(text.lstrip(" "))
    text = text.strip(" ")
    at, length = x + lead * CELL, len(text) * CELL
    fit = f' textLength="{length:.1f}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 else ""
    return f'<text x="{at:.1f}" y="{y + LINE * 0.74:.1f}" fill="{ink}"{weight}{fit}>{escape(text)}</text>'


def draw(screen):
    rows = screen.rstrip("\n").split("\n")
    width = COLUMNS * CELL + 2 * MARGIN
    height = len(rows) * LINE + BAR + MARGIN
    boxes, bars, texts = [], [], []
    for number, row in enumerate(rows):
        y = BAR + number * LINE
        for first, text, ink, paper, bold in runs(row):
            x = MARGIN + first * CELL
            if paper:
                bars.append(rectangle(x, y + 1, len(text) * CELL, LINE - 2, paper, ' rx="3"'))
            plain = ""
            for place, character in enumerate(text):
                at = x + place * CELL
                if character in LINES:
                    boxes.append(frame(character, at, y))
                elif character in EIGHTHS:
                    tall = LINE * EIGHTHS[character] / 8
                    bars.append(rectangle(at, y + LINE - tall, CELL - 1.4, tall + 0.3, ink or INK))
                plain += " " if character in LINES or character in EIGHTHS else character
            # Words apart from one another stay apart, whatever the font's width.
            for part in re.finditer(r"\S+(?: \S+)*", plain):
                texts.append(words(x + part.start() * CELL, y, part.group(), ink or INK, bold))
    dots = "".join(
        f'<circle cx="{MARGIN + 6 + 20 * place}" cy="19" r="6" fill="{colour}"/>'
        for place, colour in enumerate(["#ff5f57", "#febc2e", "#28c840"])
    )
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="{FONT}" font-size="{SIZE}" role="img">',
        "<title>sluicegate demo: the live view after an outage, a flood, a crash and lost answers</title>",
        rectangle(0.5, 0.5, width - 1, height - 1, PAGE, f' rx="10" stroke="{FRAME}"'),
        dots,
        f'<text x="{width / 2:.0f}" y="24" fill="{DIM}" text-anchor="middle" font-size="13">sluicegate demo</text>',
        f'<g stroke="{FRAME}" stroke-width="1.2" fill="none" stroke-linecap="square">', *boxes, "</g>",
        '<g shape-rendering="crispEdges">', *bars, "</g>",
        '<g xml:space="preserve">', *texts, "</g>",
        "</svg>",
    ])


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--from":
        with open(sys.argv[2], encoding="utf-8") as file:
            screen = file.read()
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        screen = play(sys.argv[1])
    else:
        raise SystemExit(__doc__)
    print(draw(screen))


main()
