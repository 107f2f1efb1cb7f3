"""How the report looks: inline CSS, light and dark, from a phone to a desk. No fonts or files from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

CSS = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f26;--soft:#5b6472;--line:#dfe3e9;--accent:#2458d6;
--good:#14804a;--goodbg:#e3f4ea;--bad:#b3261e;--badbg:#fbe9e7;--warnbg:#fff5dc;--warn:#7a5200;--code:#f0f2f6;
--target:#d9480f;--receptacle:#2458d6;--distractor:#6b7482}
@media(prefers-color-scheme:dark){:root{--bg:#12151a;--card:#1b1f27;--ink:#e8ebf0;--soft:#9aa4b2;--line:#2d333e;
--accent:#7ea6ff;--good:#5fd39a;--goodbg:#15301f;--bad:#ff8a80;--badbg:#3a1a18;--warnbg:#352a10;--warn:#f0c560;
--code:#12151a;--target:#ff9a66;--receptacle:#8fb2ff;--distractor:#9aa4b2}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1000px;margin:0 auto;padding:28px 20px 64px}
.brand{font-size:13px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:0}
h1{font-size:clamp(26px,5vw,40px);line-height:1.18;margin:.15em 0 .4em;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:20px;margin:44px 0 4px}
h3{font-size:16px;margin:0;overflow-wrap:anywhere}
p{margin:6px 0 12px}.soft{color:var(--soft)}small,.small{font-size:13px}
.chips{display:flex;flex-wrap:wrap;gap:8px;margin:0 0 20px;padding:0;list-style:none}
.chips li{background:var(--card);border:1px solid var(--line);border-radius:999px;padding:3px 12px;font-size:14px}
.chips .good{background:var(--goodbg);color:var(--good);border-color:transparent;font-weight:600}
.chips .bad{background:var(--badbg);color:var(--bad);border-color:transparent;font-weight:600}
.card,figure{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;margin:0}
.pad{padding:14px 18px}
figcaption{padding:9px 14px;font-size:14px;color:var(--soft)}
img,video{display:block;width:100%;height:auto}
video{background:#000}
.four{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:14px}
@media(max-width:760px){.four{grid-template-columns:1fr 1fr}}
.assets{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:16px}
.asset header{display:flex;align-items:baseline;justify-content:space-between;gap:10px;padding:12px 16px 0}
.asset dl{display:grid;grid-template-columns:auto 1fr;gap:2px 8px;margin:8px 16px 14px;font-size:14px}
.asset dt{color:var(--soft)}
.asset dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.asset p{margin:0 16px 14px;font-size:13px;color:var(--soft)}
.role{font-size:12px;font-weight:600;border-radius:6px;padding:1px 8px;border:1px solid currentColor;white-space:nowrap}
.target{color:var(--target)}.receptacle{color:var(--receptacle)}.distractor{color:var(--distractor)}
pre{background:var(--code);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:10px 0;
overflow-x:auto;font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14.5px}
th,td{text-align:left;padding:8px 14px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td,tr:last-child th{border-bottom:0}
thead th{font-size:13px;color:var(--soft);font-weight:600}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.pass{color:var(--good);font-weight:600}.fail{color:var(--bad);font-weight:600}
.rate{display:grid;grid-template-columns:minmax(110px,1fr) minmax(0,3fr) auto;gap:6px 16px;align-items:center;
padding:14px 18px;border-bottom:1px solid var(--line)}
.rate:last-child{border-bottom:0}
.bar{position:relative;height:14px;border-radius:7px;background:var(--code);border:1px solid var(--line)}
.bar i{position:absolute;inset:0 auto 0 0;border-radius:6px;background:var(--good)}
.bar b{position:absolute;top:-4px;bottom:-4px;border:solid var(--ink);border-width:0 2px;
background:linear-gradient(var(--ink),var(--ink)) center/100% 2px no-repeat}
.rate strong{font-variant-numeric:tabular-nums}
.rate p{grid-column:1/-1;margin:0;font-size:14px;color:var(--soft)}
.warn{background:var(--warnbg);color:var(--warn);border-radius:10px;padding:12px 18px 12px 36px;margin:10px 0}
.pair{display:grid;grid-template-columns:3fr 2fr;gap:16px}
.pair.wide{grid-template-columns:1fr}.wide .plan{max-width:560px;margin:0 auto;width:100%}
@media(max-width:760px){.pair{grid-template-columns:1fr}}
svg{display:block;width:100%;height:auto}
svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
svg .dim{fill:var(--soft)}
.facts th{font-weight:400;color:var(--soft);white-space:nowrap;width:1%}
@media(max-width:560px){main{padding:18px 14px 48px}.rate{grid-template-columns:1fr auto}
.rate .bar{grid-column:1/-1;grid-row:2}th,td{padding:8px 10px}.facts th{white-space:normal}
.checks thead{display:none}.checks tr{display:grid;grid-template-columns:auto 1fr auto;
border-bottom:1px solid var(--line)}
.checks td{border:0;padding:4px 10px}.checks td:first-child{grid-column:1/-1;padding-top:10px}
.checks td:last-child{padding-bottom:10px}}
"""


def document(title: str, sections: Iterable[str], style: str = "") -> str:
    """A page that needs no other file.

    Args:
        title: as plain text.
        sections: HTML; empty ones are left out.
        style: CSS beside :data:`CSS`.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} · Gen3D</title><style>{CSS}{style}</style></head><body><main>"
        + "\n".join(section for section in sections if section)
        + "</main></body></html>\n"
    )
