"""chart.py: results as Markdown tables and as an SVG, for docs/performance.md.

    chart.py RESULTS.json SVG      (tables go to stdout)
"""
import json
import math
import sys

import report

SHOWN = (("weft", "#1f6f8b"), ("ovs", "#c8553d"), ("macswap", "#b8b8b8"))
LEFT, WIDTH, ROW, TOP, LOW = 250, 520, 34, 44, 0.001


def rates(results):
    return [r for r in results if r.get("kind") in ("rate", "attack")]


def svg(results, path):
    """Bars on a logarithmic scale: Mpps by case."""
    rows = [r for r in rates(results) if r["kind"] == "rate" and r["case"] in "abcdefj"]
    top = max((v["mpps"] for r in rows for v in r["rates"].values()), default=1)
    span = math.log10(top * 1.2 / LOW)

    def x(v):
        return LEFT + WIDTH * max(0.0, math.log10(max(v, LOW) / LOW)) / span
    height = TOP + ROW * len(rows) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" '
           'font-family="sans-serif" font-size="11">', f'<rect width="100%" height="100%" fill="#fff"/>']
    for i, (name, colour) in enumerate(SHOWN):
        out.append(f'<rect x="{LEFT + 110 * i}" y="8" width="10" height="10" fill="{colour}"/>'
                   f'<text x="{LEFT + 110 * i + 15}" y="17">{"testpmd macswap" if name == "macswap" else name}</text>')
    for d in range(math.ceil(span) + 1):
        v = LOW * 10 ** d
        if v <= top * 1.2:
            out.append(f'<line x1="{x(v):.0f}" y1="{TOP - 8}" x2="{x(v):.0f}" y2="{height - 14}" stroke="#ddd"/>'
                       f'<text x="{x(v):.0f}" y="{height - 3}" text-anchor="middle" fill="#666">{v:g}</text>')
    for i, r in enumerate(rows):
        y = TOP + ROW * i
        out.append(f'<text x="{LEFT - 8}" y="{y + 18}" text-anchor="end">{r["title"]}</text>')
        for j, (name, colour) in enumerate(s for s in SHOWN if s[0] in r["rates"]):
            v = r["rates"][name]["mpps"]
            out.append(f'<rect x="{LEFT}" y="{y + 9 * j}" width="{max(1, x(v) - LEFT):.0f}" height="8" fill="{colour}"/>'
                       f'<text x="{x(v) + 4:.0f}" y="{y + 9 * j + 8}" font-size="9">{report.number(v)}</text>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")


def rate_table(results):
    yield "| | case | weft | weft, 4k pages | OVS | testpmd io | macswap | weft / OVS | weft / macswap | spread |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for r in rates(results):
        if r["kind"] != "rate":
            continue
        cells = [report.number(report.rate(r, n)) for n in report.ORDER]
        w = r["rates"].get("weft", {"mpps": 0, "max": 0, "min": 0})
        yield (f"| {r['case']} | {r['title']} | {' | '.join(cells)} | {report.ratio(report.rate(r, 'weft'), report.rate(r, 'ovs'))} | "
               f"{report.ratio(report.rate(r, 'weft'), report.rate(r, 'macswap'))} | "
               f"{(w['max'] - w['min']) / w['mpps'] if w['mpps'] else 0:.0%} |")


def attack_table(results):
    yield "| | attack | weft: victim before, during | left | OVS | left |"
    yield "|---|---|---|---|---|---|"
    for r in rates(results):
        if r["kind"] != "attack":
            continue
        cells = []
        for n in ("weft", "ovs"):
            b, a = report.rate(r, n + " benign"), report.rate(r, n)
            cells.append(f"{report.number(b)}, {report.number(a)} | {report.share(a, b)}" if a is not None else "- | -")
        yield f"| {r['case']} | {r['title']} | {' | '.join(cells)} |"


def other_tables(results):
    yield "| churn under | switch | quiet | 1k/s asked | 100k/s asked |"
    yield "|---|---|---|---|---|"
    for r in results:
        for name, o in r.get("churn", {}).items():
            cells = [f"{v['mpps']:.2f}" + (f" at {v['achieved'] / 1000:.1f}k/s" if int(rate) else "") for rate, v in o.items()]
            yield f"| {r['title'][9:]} | {name} | {' | '.join(cells)} |"
    yield ""
    yield "| installing | switch | rules a second | bytes a rule (resident) |"
    yield "|---|---|---|---|"
    for r in results:
        for name, g in r.get("installs", {}).items():
            note = f" (stopped at {g['done']:.0f} after {g['seconds']:.0f} s)" if g["stopped"] else ""
            speed = "refused" if g["errors"] else f"{g['rate']:.0f}{note}"
            yield f"| {r['title'][8:]} | {name} | {speed} | {'-' if g['errors'] else round(g['bytes'])} |"
    yield ""
    yield "| latency, us: median / 99 % | switch | 10 % load | 50 % | 90 % |"
    yield "|---|---|---|---|---|"
    for r in results:
        for name, o in r.get("latency", {}).items():
            yield f"| {r['title']} | {name} | " + " | ".join(f"{v[0] / 1000:.1f} / {v[1] / 1000:.1f}" for v in o.values()) + " |"
    yield ""
    for r in results:
        for name, g in r.get("visible", {}).items():
            yield f"- {name}: the old rule saw its last frame {g['median_us']:.0f} us (median), {g['max_us']:.0f} us (worst of {g['done']:.0f}) after the barrier's answer"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        results = [r for r in json.load(f)["results"] if "failed" not in r]
    for part in (rate_table, attack_table, other_tables):
        print("\n".join(part(results)) + "\n")
    svg(results, sys.argv[2])


if __name__ == "__main__":
    main()
