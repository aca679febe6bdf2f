#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""report.py [--peers=RECORD] [--nginx=RECORD] [--readme=FILE]

Writes the tables of README.md between their markers, and the plots in results/,
from the records of peers/run.py and nginx/run.py.
"""

import argparse
import json
import math
import pathlib
import re
import statistics

import matplotlib

matplotlib.use("svg")
# Text stays text, and the same record gives the same file.
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "libcors", "font.size": 10,
    "axes.grid": True, "grid.color": "#dddddd", "axes.axisbelow": True,
})
from matplotlib import pyplot

HERE = pathlib.Path(__file__).resolve().parent

OURS = "libcors (C)"
OURS_IN_NGINX = "libcors, 5"
FLOOR = "one lookup in a HashSet"

#: The table's columns.
COLUMNS = [
    FLOOR, OURS, "libcors (Rust)", "libcors (Rust, HeaderMap)",
    "jub0bs/cors (decision only)", "jub0bs/cors", "rs/cors", "tower-http",
    "actix-cors", "Starlette", "expressjs/cors",
]
PEERS = COLUMNS[4:]
WHOLE_ANSWERS = COLUMNS[5:]


def added(row):
    """The nanoseconds added to a request, compared with none of CORS: the
    median over the rounds, and the least."""
    differences = [
        with_ - without for with_, without
        in zip(row["median"], row["without"]["median"])
    ]
    least = min(row["min"]) - min(row["without"]["min"])
    return statistics.median(differences), least


def words(nanoseconds):
    nanoseconds = max(nanoseconds, 0)
    for size, unit in (1e6, "ms"), (1e3, "µs"):
        if nanoseconds >= size * 0.9995:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f}"


def peers_tables(record):
    rows = {
        scenario: {name: added(row) for name, row in found.items()}
        for scenario, found in record["rows"].items()
    }
    columns = [name for name in COLUMNS
               if any(name in found for found in rows.values())]
    yield described(record)
    yield ("Time as a multiple of libcors (C), the geometric mean over the "
           "scenarios:")
    means = []
    for name in columns:
        ratios = [max(found[name][0], 1) / max(found[OURS][0], 1)
                  for found in rows.values() if name in found]
        if name != OURS:
            mean = math.exp(statistics.mean(map(math.log, ratios)))
            means.append([name, str(len(ratios)), f"{mean:.2f}"])
    yield table(["", "scenarios", "x"], means)
    lost = [
        f"- `{scenario}`: {name}, {words(found[name][0])}"
        f" compared with {words(found[OURS][0])}"
        for scenario, found in rows.items() for name in PEERS
        if name in found and found[name][0] < found[OURS][0]
    ]
    yield "Rows in which a peer is faster than libcors (C):"
    yield "\n".join(lost) or "none."
    yield ("Time to load a policy of exact origins, in ms. libcors reads and "
           "checks a JSON file; the others get a list of strings.")
    loads = {n: record["rows"].get(f"exact={n}/allowed", {})
             for n in (1000, 100_000, 1_000_000)}
    yield table(
        ["origins", *columns[2:]],
        [[f"{n:,}", *(three_digits(statistics.median(found[name]["load_ms"]))
                      if name in found else "-" for name in columns[2:])]
         for n, found in loads.items()],
    )
    yield ("Time added to a request, compared with the same call without "
           "CORS: median/least, in ns if there is no unit. The last column is "
           "the fastest complete response of a peer, by the medians, as a "
           "multiple of libcors (C).")
    yield table(
        ["scenario", *columns, "best peer"],
        [[scenario,
          *(f"{words(found[name][0])}/{words(found[name][1])}"
            if name in found else "-" for name in columns),
          best_peer(found)]
         for scenario, found in rows.items()],
    )


def three_digits(value):
    return f"{float(f'{value:.3g}'):,g}"


def best_peer(found):
    peers = {name: found[name][0] for name in WHOLE_ANSWERS if name in found}
    if not peers:
        return "-"
    name = min(peers, key=peers.get)
    return f"{name} x{peers[name] / max(found[OURS][0], 1):.1f}"


def nginx_tables(record):
    kinds = list(record["bare_instructions"])
    yield described(record)
    yield ("Instructions of bare nginx for a request, and how many each "
           "configuration adds:")
    yield table(
        ["", *kinds],
        [["bare", *(f"{record['bare_instructions'][kind]:,}"
                    for kind in kinds)],
         *([name, *(f"{found[kind]['added']:+,}" if kind in found else "-"
                    for kind in kinds)]
           for name, found in record["instructions"].items())],
    )
    counts = record["instructions"]
    lost = [
        f"- {name}, {kind}: {found[kind]['added']:+,}"
        f" compared with {counts[OURS_IN_NGINX][kind]['added']:+,}"
        for name, found in counts.items() for kind in found
        if "libcors" not in name
        and found[kind]["added"] < counts[OURS_IN_NGINX][kind]["added"]
    ]
    yield f"Rows that add fewer than {OURS_IN_NGINX}:"
    yield "\n".join(lost) or "none."
    yield ("Load compared with bare nginx: the ratio of requests per second, "
           "and the worker's CPU time added to a request, as median "
           "[quartiles] of pairs:")
    yield table(
        ["", "", "requests per second", "CPU, ns"],
        [[name, kind, spread_of(found["rps_ratio"], ".3f"),
          spread_of(found["cpu_ns_added"], "+,.0f")]
         for name, by_kind in record["load"].items()
         for kind, found in by_kind.items()],
    )
    yield ("Anonymous memory of the master and its workers, and CPU time of "
           "`nginx -t`, compared with bare nginx:")
    memory = record["memory"]
    workers = memory["bare"]["anonymous_kib"]
    yield table(
        ["", *(f"MB, workers: {count}" for count in workers), "ms"],
        [[name,
          *(f"{(found['anonymous_kib'][count] - bare) * 1.024 / 1000:,.1f}"
            for count, bare in workers.items()),
          f"{cpu_ms(found) - cpu_ms(memory['bare']):,.0f}"]
         for name, found in memory.items() if name != "bare"],
    )


def cpu_ms(found):
    return statistics.median(found["cpu_ms"])


def spread_of(values, form):
    if len(values) < 2:
        return format(values[0], form)
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:{form}} [{low:{form}} {high:{form}}]"


def described(record):
    machine = record["machine"]
    versions = ", ".join(f"{name} {version}" for name, version
                         in record["versions"].items())
    return (f"{record['date']}, commit {record['commit']}, {machine['cpus']} x"
            f" {machine['cpu']}, {machine['system']}, Linux"
            f" {machine['kernel']}; {versions}.")


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot_origins(record, verdict):
    """Time against the number of exact origins."""
    figure, axes = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    ends = []
    for name in COLUMNS:
        points = sorted(
            (int(scenario.split("=")[1].split("/")[0]), added(found[name])[0])
            for scenario, found in record["rows"].items()
            if re.fullmatch(rf"exact=\d+/{verdict}", scenario)
            and name in found
        )
        if points:
            style = {"linewidth": 2.5} if "libcors" in name else {
                "linestyle": ":" if name == FLOOR else "-"}
            axes.plot(*zip(*points), marker="o", markersize=4, label=name,
                      **style)
            ends.append(points[-1][1])
    order = sorted(range(len(ends)), key=lambda i: -ends[i])
    handles, labels = axes.get_legend_handles_labels()
    axes.legend([handles[i] for i in order], [labels[i] for i in order],
                loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.set(xscale="log", yscale="log", xlabel="exact origins in the policy",
             ylabel="ns added to a request",
             title=f"A request from an origin: {verdict}")
    save(figure, f"origins-{verdict}.svg")


def plot_nginx(record):
    """Instructions added to a request."""
    kinds = {"allowed": "#1f77b4", "preflight": "#ff7f0e"}
    names = list(record["instructions"])[::-1]
    figure, axes = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    for offset, (kind, color) in zip((0.2, -0.2), kinds.items()):
        bars = [(i + offset, record["instructions"][name][kind]["added"])
                for i, name in enumerate(names)
                if kind in record["instructions"][name]]
        drawn = axes.barh(*zip(*bars), height=0.38, color=color, label=kind)
        axes.bar_label(drawn, [f" {value:,}" for _, value in bars])
    axes.set(xscale="log", yticks=range(len(names)), yticklabels=names,
             xlabel="instructions added to a request of bare nginx",
             title="CORS in nginx")
    axes.set_xlim(100, axes.get_xlim()[1] * 3)
    axes.grid(axis="y", visible=False)
    axes.legend(frameon=False, loc="upper right")
    save(figure, "nginx-instructions.svg")


def save(figure, name):
    figure.savefig(HERE / "results" / name, metadata={"Date": None})
    pyplot.close(figure)


def replace(text, name, parts):
    begin = f"<!-- {name}: written by report.py -->"
    end = f"<!-- end of {name} -->"
    before, rest = text.split(begin)
    behind = rest.split(end)[1]
    return before + begin + "\n" + "\n\n".join(parts) + "\n" + end + behind


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in "peers", "nginx":
        parser.add_argument(f"--{name}", type=pathlib.Path,
                            default=HERE / f"results/{name}.json")
    parser.add_argument("--readme", type=pathlib.Path,
                        default=HERE / "README.md")
    options = parser.parse_args()
    text = options.readme.read_text("utf-8")
    if options.peers.exists():
        record = json.loads(options.peers.read_text())
        text = replace(text, "peers", peers_tables(record))
        plot_origins(record, "allowed")
        plot_origins(record, "refused")
    if options.nginx.exists():
        record = json.loads(options.nginx.read_text())
        text = replace(text, "nginx", nginx_tables(record))
        plot_nginx(record)
    options.readme.write_text(text, "utf-8")
    print(options.readme)


if __name__ == "__main__":
    main()
