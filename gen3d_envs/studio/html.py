"""What the studio's page says, as HTML with its style inline: the page's own style sheet is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gen3d_envs.gallery.words import Finding
from gen3d_envs.report import bound, quantity

TONES = {"note": ("#5b6472", "#eef1f5"), "good": ("#14804a", "#e3f4ea"), "bad": ("#b3261e", "#fbe9e7"),
         "busy": ("#2458d6", "#e8eefc")}  # fmt: skip
"""Ink and paper of messages."""

NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""A picture with nothing in it: what it does when it is loaded is how a script comes into viser's page."""


def letters_first() -> str:
    """Nothing to see: a button, or the Enter that presses one, waits until the last letters typed are on their way.

    viser's page sends a message every 50 ms, and keeps only the newest of those that wait. A button pressed sooner than
    that after a letter would take its place, and the sentence come without its end.
    """
    script = (
        "if(!window.lettersFirst){window.lettersFirst=1;let typing=0;"
        "window.addEventListener('input',()=>{clearTimeout(typing);typing=setTimeout(()=>{typing=0},100)},true);"
        "window.addEventListener('click',e=>{const b=e.target.closest('button');if(b&&typing){"
        "e.preventDefault();e.stopImmediatePropagation();setTimeout(()=>b.click(),100)}},true)}"
    )
    return f'<img alt="" src="{NOTHING}" style="display:none" onload="{escape(script)}">'


def message(html: str, tone: str, bare: bool = False) -> str:
    """A message as a coloured box; bare without the box. The text is HTML already."""
    ink, paper = TONES[tone]
    box = "" if bare else f"background:{paper};border-radius:6px;padding:8px 12px;"
    return f'<div role="status" style="{box}color:{ink};font-size:14px;line-height:1.45;margin:6px 12px">{html}</div>'


def table(lines: Sequence[Finding]) -> str:
    """A certificate in plain words with its figures."""
    rows = "".join(
        f'<tr style="border-top:1px solid #dfe3e9"><td style="padding:5px 0">{"✓" if line.passed else "✗"} '
        f"{escape(line.sentence)}<br><small style='color:#5b6472'>{quantity(line.check.value, line.check.unit)}, limit "
        f"{bound(line.check)}</small></td></tr>"
        for line in lines
    )
    style = "font-size:13.5px;border-collapse:collapse;width:calc(100% - 24px);margin:6px 12px"
    return f'<table style="{style}">{rows}</table>'


def code_box(code: str) -> str:
    """The lines of Python with a button that copies them."""
    copy = (
        "const b=this,t=b.previousElementSibling.innerText;"
        "navigator.clipboard.writeText(t).then(()=>b.innerText='Copied',()=>b.innerText='Select and press Ctrl+C')"
    )
    return (
        '<div style="margin:6px 12px"><pre data-code style="background:#f0f2f6;color:#1b1f26;border-radius:6px;'
        f'padding:10px;font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 6px">{escape(code)}</pre>'
        f'<button style="font:inherit;font-size:13px;padding:4px 12px;cursor:pointer" onclick="{escape(copy)}">Copy'
        "</button></div>"
    )
