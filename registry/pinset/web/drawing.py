"""The lines of a text as markup. A page has a thousand of them, so this is no template: every text is escaped here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from pinset.domain.diff import show
from pinset.web.lines import Fold, Left, line_id
from pinset.web.rendering import mark_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.web.lines import Piece, Run, ShownLine, TextView

_TAGS: Final = {"old": "del", "new": "ins"}
_CELLS: Final = {"old": "o", "new": "n"}
_DOTS: Final = str.maketrans({" ": "·", "\t": "⇥\t"})


def draw(text: TextView, *, split: bool, whole: str) -> Markup:
    """A text's lines. split: unchanged lines are on both sides. whole: the address that shows what is folded away."""
    return Markup("".join(_drawn(text, split=split, whole=whole)))  # noqa: S704 - every text in it is escaped


def _drawn(text: TextView, *, split: bool, whole: str) -> Iterator[str]:
    for block in text.blocks:
        if isinstance(block, Fold):
            yield _fold(block, text.anchor, whole)
        elif isinstance(block, Left):
            yield f'<p class="left">{show.became((block.old_lines, block.new_lines))}</p>'
        else:
            yield _run(block, text.anchor, split=split)


def _run(run: Run, anchor: str, *, split: bool) -> str:
    if run.lines[0].kind == "same":
        return "".join(_same(line, anchor, split=split) for line in run.lines)
    return f'<div class="g">{"".join(_changed(line, anchor, stop=n == 0) for n, line in enumerate(run.lines))}</div>'


def _same(line: ShownLine, anchor: str, *, split: bool) -> str:
    inside = _inside(line)
    if not split:
        return f'<div class="s">{_number(anchor, "L", line.old_no)}{_number(anchor, "R", line.new_no)}{inside}</div>'
    left, right = _number(anchor, "L", line.old_no), _number(anchor, "R", line.new_no)
    return f'<div class="g e"><div class="o">{left}{inside}</div><div class="n">{right}{inside}</div></div>'


def _changed(line: ShownLine, anchor: str, *, stop: bool) -> str:
    """stop: the keyboard stops at its number: at one of each change, not at each of a thousand lines."""
    side, number = ("L", line.old_no) if line.kind == "old" else ("R", line.new_no)
    moved = " m" if line.move is not None else ""
    whole = " w" if line.whole else ""
    note = ""
    if line.move is not None and line.first:
        where = "to new line" if line.kind == "old" else "from old line"
        note = f'<a class="v" href="#{line.move.anchor}">moved {where} {line.move.number}</a>'
    return f'<div class="{_CELLS[line.kind]}{whole}{moved}">{_number(anchor, side, number, stop=stop)}{note}{_inside(line)}</div>'


def _number(anchor: str, side: str, number: int | None, *, stop: bool = False) -> str:
    if number is None:
        return ""
    name = line_id(anchor, side, number)
    passed = "" if stop else ' tabindex="-1"'
    return f'<a class="{side.lower()}" id="{name}" href="#{name}"{passed}>{number}</a>'


def _inside(line: ShownLine) -> str:
    tag = _TAGS.get(line.kind, "")
    shown = "".join(_piece(piece, tag) for piece in line.pieces)
    end = "" if line.newline else '<span class="gap">no line feed at the end</span>'
    return f"<code>{shown}{end}</code>"


def _piece(piece: Piece, tag: str) -> str:
    if piece.skipped:
        return f'<span class="gap">… {piece.skipped:,} characters …</span>'
    text = piece.text
    if piece.changed and tag:
        blank = text.isspace()
        return f"<{tag}>{_text(text.translate(_DOTS) if blank else text)}</{tag}>"
    return _text(text)


def _text(text: str) -> str:
    if "\t" in text:
        return str(mark_points("\t".join(show.visible(part) for part in text.split("\t"))))
    return str(mark_points(show.visible(text)))


def _fold(fold: Fold, anchor: str, whole: str) -> str:
    last = fold.new_no + fold.count - 1
    lines = f"line {fold.new_no}" if fold.count == 1 else f"lines {fold.new_no}–{last}"  # noqa: RUF001 - a range
    said = f"{fold.count:,} unchanged, {lines}"
    if not fold.lines:
        return f'<p class="fold"><a href="{Markup.escape(whole)}#{anchor}">{said}: show</a></p>'
    inside = "".join(_same(line, anchor, split=False) for line in fold.lines)
    return f'<details class="fold"><summary>{said}</summary>{inside}</details>'
