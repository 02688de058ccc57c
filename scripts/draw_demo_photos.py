"""Draw the demo shops' pictures, by hand of our own: wax cloth, a scarf, bags. ``python scripts/draw_demo_photos.py``."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SHOPS = Path(__file__).resolve().parent.parent / "shops"
SIDE = 480
_FINE = 2
"""Drawn so many times larger, for smooth edges."""

Drawn = Image.Image
Point = tuple[float, float]


def paper(colour: str) -> Drawn:
    return Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), colour)


def wax(ground: str, ring: str, leaf: str, dot: str, step: int = 320) -> Drawn:
    """Wax print: rings of petals in staggered rows."""
    cloth = paper(ground)
    pen = ImageDraw.Draw(cloth)
    side = cloth.width
    for row in range(-1, side // step + 2):
        for column in range(-1, side // step + 2):
            x, y = column * step + (row % 2) * step / 2, row * step * 0.86
            for radius, colour in ((0.40, ring), (0.33, ground), (0.29, dot), (0.2, ground), (0.12, ring)):
                _disc(pen, (x, y), radius * step, colour)
            for petal in range(12):
                angle = petal * math.tau / 12
                at = (x + math.cos(angle) * step * 0.365, y + math.sin(angle) * step * 0.365)
                _disc(pen, at, step * 0.035, ground)
                far = (x + math.cos(angle) * step * 0.245, y + math.sin(angle) * step * 0.245)
                _disc(pen, far, step * 0.03, leaf)
            for corner in range(6):
                angle = (corner + 0.5) * math.tau / 6
                at = (x + math.cos(angle) * step * 0.5, y + math.sin(angle) * step * 0.5)
                _disc(pen, at, step * 0.05, leaf)
    return cloth


def on_table(cloth: Drawn, shape: list[Point], table: str) -> Drawn:
    """The cloth cut to a shape (corners from 0 to 1), with a soft shadow."""
    side = cloth.width
    corners = [(x * side, y * side) for x, y in shape]
    mask, shade = Image.new("L", cloth.size), Image.new("L", cloth.size)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    ImageDraw.Draw(shade).polygon([(x + 14, y + 22) for x, y in corners], fill=110)
    seen = paper(table)
    seen.paste("#3a2a1e", mask=shade.filter(ImageFilter.GaussianBlur(18)))
    seen.paste(cloth, mask=mask)
    return seen


def folded_cloth() -> Drawn:
    """Six yards, folded: the lower layers show below the first."""
    table, seen = "#efe6d8", paper("#efe6d8")
    for ground, bottom in (("#6f151b", 0.86), ("#861c21", 0.79), ("#a3262b", 0.72)):
        shape = [(0.12, 0.16), (0.88, 0.12), (0.90, bottom), (0.10, bottom + 0.03)]
        layer = on_table(wax(ground, "#f2b632", "#f7ead1", "#1d3f72"), shape, table)
        seen.paste(layer, mask=_box(seen.width, shape))
    return seen


def scarf() -> Drawn:
    square = [(0.50, 0.07), (0.93, 0.46), (0.54, 0.92), (0.07, 0.50)]
    return on_table(wax("#174a5b", "#f08a24", "#ffe3b0", "#d43d51", 220), square, "#f3efe9")


def bag(body: Drawn, flap: str, strap: str, table: str) -> Drawn:
    """A bag with a flap, a clasp and a handle."""
    seen = paper(table)
    side = seen.width
    pen = ImageDraw.Draw(seen)
    handle = [side * 0.32, side * 0.12, side * 0.68, side * 0.66]
    pen.arc(handle, 180, 360, fill=strap, width=int(side * 0.035))
    seen.paste(
        on_table(body, [(0.20, 0.38), (0.80, 0.38), (0.86, 0.86), (0.14, 0.86)], table),
        mask=_box(side, [(0.10, 0.385), (0.92, 0.385), (0.92, 0.95), (0.10, 0.95)]),
    )
    pen.polygon(
        [(side * x, side * y) for x, y in ((0.19, 0.37), (0.81, 0.37), (0.74, 0.60), (0.26, 0.60))], fill=flap
    )
    pen.line([(side * 0.27, side * 0.585), (side * 0.73, side * 0.585)], fill="#f0d9b5", width=4)
    pen.rounded_rectangle(
        [side * 0.465, side * 0.56, side * 0.535, side * 0.635],
        radius=14,
        fill="#d8b45a",
        outline="#8a6a22",
        width=4,
    )
    return seen


def _box(side: int, corners: list[Point]) -> Drawn:
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).polygon([(x * side, y * side) for x, y in corners], fill=255)
    return mask


def _disc(pen: ImageDraw.ImageDraw, at: Point, radius: float, colour: str) -> None:
    x, y = at
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)


PICTURES: dict[str, Callable[[], Drawn]] = {
    "awa-mode/photos/pagne-uniwax": folded_cloth,
    "awa-mode/photos/foulard-wax": scarf,
    "zoe-accessoires/photos/sac-main-cuir": lambda: bag(paper("#7a4526"), "#5d3219", "#5d3219", "#eee7dd"),
    "zoe-accessoires/photos/sac-pagne": lambda: bag(
        wax("#16324f", "#e9a23b", "#f4e3c1", "#b8323f", 200), "#16324f", "#b8323f", "#f1ede6"
    ),
}


def main() -> None:
    """Write them all, beside the shops' files."""
    for name, draw in PICTURES.items():
        file = SHOPS / f"{name}.jpg"
        file.parent.mkdir(exist_ok=True)
        draw().resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "JPEG", quality=74, optimize=True)
        print(f"{file.relative_to(SHOPS.parent)}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
