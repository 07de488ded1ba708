"""report.py: results as lines, and as a chart."""
import os
import platform
import time

ORDER = ("weft", "weft-4k", "ovs", "io", "macswap")


def number(x):
    return "-" if x is None else f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 0.1 else f"{x:.4f}"


def rate(r, name):
    return r["rates"][name]["mpps"] if name in r["rates"] else None


def ratio(a, b):
    return "-" if a is None or b is None else f"{a / b:.2f}x" if b > 0 and a / b < 1000 else ">1000x"


def share(a, b):
    return f"{a / b:.1%}" if b else "-"


def agreement(r):
    """Do the switches that looked at the rules send the same frames?"""
    c = {k: (v["in"], v["out"], v["sum"]) for k, v in r["checks"].items()}
    if len(set(c.values())) <= 1:
        return "same" if len(c) > 1 else "-"
    return "DIFFER " + " ".join(f"{k}:{v[0]}>{v[1]}" for k, v in c.items())


def line(r):
    if r["kind"] == "attack":
        return attack_line(r)
    shown = "  ".join(f"{n} {number(rate(r, n))}" for n in ORDER if n in r["rates"])
    worst = max((v["max"] - v["min"]) / v["mpps"] if v["mpps"] else 0 for v in r["rates"].values())
    return (f"{r['case']}  {r['title']:<36} {shown}  | /ovs {ratio(rate(r, 'weft'), rate(r, 'ovs'))}"
            f"  /macswap {ratio(rate(r, 'weft'), rate(r, 'macswap'))}  spread {worst:.0%}  {agreement(r)}")


def attack_line(r):
    """The victim's rate beside benign frames, beside hostile ones, and what is left of it."""
    shown = "  ".join(f"{n} {number(rate(r, n + ' benign'))} to {number(rate(r, n))} ({share(rate(r, n), rate(r, n + ' benign'))})"
                      for n in ORDER if n in r["rates"])
    return f"{r['case']}  {r['title']:<36} victim: {shown}  {agreement(r)}"


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = next((x.split(":")[1].strip() for x in f if x.startswith("model name")), "?")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "when": time.strftime("%Y-%m-%d %H:%M")}

