"""From the records of a run to one JSON file and one table: time, percent of the floor, ratios to the peer and to the CPU engine, goals.

    report.py RECORDS.jsonl FACTS.json FOLDER      writes FOLDER/results.json and FOLDER/table.md and prints the table

A record is a line of gpu_bench or peers.py with two more entries: "side" (own, peer or cpu) and "round". Ratios are medians over the rounds
in which both sides ran one after the other.
"""

import dataclasses
import json
import pathlib
import statistics
import sys

import floors


@dataclasses.dataclass
class Row:
    case: str
    own: float | None
    peer: float | None
    cpu: float | None
    ratio: float | None
    ratios: list
    floor: float | None
    formula: str | None
    share: float | None
    memory: float | None
    deviation: float | None
    tolerance: float | None
    note: str
    spread: float | None


def seconds_of(records, case, side):
    return [r["seconds"] for r in records if r["case"] == case and r["side"] == side and "seconds" in r and "error" not in r]


def median(values):
    return statistics.median(values) if values else None


def paired(records, case):
    """The peer's time over ours, round by round."""
    times = {}
    for record in records:
        if record["case"] == case and "seconds" in record and "error" not in record and record["side"] in ("own", "peer"):
            times.setdefault(record["round"], {})[record["side"]] = record["seconds"]
    return [both["peer"] / both["own"] for both in times.values() if len(both) == 2]


def worst(values):
    """A deviation that is not a number is written as null: worse than any."""
    return None if not values else float("inf") if None in values else max(values)


def notes(records, case):
    out = []
    for side in ("own", "peer", "cpu"):
        texts = {r.get("error") or r.get("skipped") for r in records if r["case"] == case and r["side"] == side} - {None}
        out += [f"{side}: {text}" for text in sorted(texts) if text not in ("has no peer", "takes too long on the CPU")]
    return "; ".join(out)


def row(records, case, on):
    mine = [r for r in records if r["case"] == case and r["side"] == "own"]
    good = [r for r in mine if "seconds" in r and "error" not in r]
    own = median(seconds_of(records, case, "own"))
    floor, formula = floors.floor(good[-1], on) if good else (None, None)
    ratios = paired(records, case)
    times = [r["seconds"] for r in good]
    memories = [r["memory"] for r in mine if (r.get("memory") or -1) >= 0]
    return Row(case, own, median(seconds_of(records, case, "peer")), median(seconds_of(records, case, "cpu")), median(ratios), ratios,
               floor, formula, floor / own if floor and own else None, max(memories, default=None),
               worst([r["deviation"] for r in mine if "deviation" in r]), max([r["tolerance"] for r in mine if "tolerance" in r], default=None),
               notes(records, case), max(times) / min(times) - 1 if len(times) > 1 else None)


def reached(goal, case_row, rows):
    """What was measured for a goal, in its own unit, and whether that is enough; (None, None) when it was not measured."""
    if goal.kind == "peer_at_20":
        other = rows.get(case_row.case.rsplit("/", 1)[0] + "/R=20")
        value = other.peer / case_row.own if other and other.peer and case_row.own else None
    else:
        value = {"floor": case_row.share, "peer": case_row.ratio, "seconds": case_row.own, "memory": case_row.memory}[goal.kind]
    if value is None:
        return None, None
    return value, value <= goal.reach if goal.kind in ("seconds", "memory") else value >= goal.reach


def in_unit(kind, value):
    if value is None:
        return "-"
    if kind == "floor":
        return f"{100 * value:.0f} % of floor"
    if kind == "seconds":
        return time_text(value)
    if kind == "memory":
        return f"{value / 1e9:.3g} GB"
    return f"{value:.3g} x"


def time_text(value):
    if value is None:
        return "-"
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def number(value, form="{:.3g}"):
    return "-" if value is None else form.format(value)


def table(rows):
    cells = [["case", "warpbo", "% of floor", "peer", "peer/warpbo", "CPU engine", "CPU/warpbo", "memory MB", "deviation", "note"]]
    for r in rows.values():
        cells.append([r.case, time_text(r.own), number(r.share and 100 * r.share, "{:.0f}"), time_text(r.peer), number(r.ratio),
                      time_text(r.cpu), number(r.cpu and r.own and r.cpu / r.own), number(r.memory and r.memory / 1e6, "{:.0f}"),
                      number(r.deviation, "{:.1e}"), r.note])
    return cells


def goal_table(rows, engine):
    cells = [["goal (H100)", "case", "reach", "measured", ""]]
    for goal in floors.GOALS:
        for r in rows.values():
            if goal not in floors.goals_of(r.case):
                continue
            value, enough = reached(goal, r, rows)
            verdict = "not measured" if value is None else "no device" if not engine.startswith("cuda") else "reached" if enough else "MISSED"
            sign = "<=" if goal.kind in ("seconds", "memory") else ">="
            cells.append([goal.what, r.case, f"{sign} {in_unit(goal.kind, goal.reach)}", in_unit(goal.kind, value), verdict])
    return cells


def text_table(cells):
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells)


def markdown_table(cells):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def calibration(records):
    """Medians by case: a rate where there is one, seconds otherwise."""
    out = {}
    for case in dict.fromkeys(r["case"] for r in records if r["case"].startswith("calibrate/") and r["side"] == "own"):
        values = [r.get("rate", r.get("seconds")) for r in records if r["case"] == case and r["side"] == "own" and "seconds" in r]
        if values:
            out[case] = statistics.median(values)
    return out


def calibration_text(measured):
    names = {"calibrate/copy": ("copy", 1e9, "GB/s"), "calibrate/product/n=8192": ("matrix product, n = 8192", 1e9, "GF/s"),
             "calibrate/product/n=1024": ("matrix product, n = 1024", 1e9, "GF/s"), "calibrate/launch": ("launch", 1e-6, "us"),
             "calibrate/replay": ("operation of a recorded round", 1e-6, "us"), "calibrate/download": ("download of a number", 1e-6, "us")}
    return "; ".join(f"{text} {measured[key] / scale:.3g} {unit}" for key, (text, scale, unit) in names.items() if key in measured)


def write(records, facts, folder):
    """Writes both files and returns the text for a terminal."""
    engine = facts["engine"]
    measured = calibration(records)
    on = floors.device(engine, measured)
    cases = dict.fromkeys(r["case"] for r in records if not r["case"].startswith("calibrate/"))
    rows = {case: row(records, case, on) for case in cases}
    cells, goals = table(rows), goal_table(rows, engine)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(
        {"facts": facts, "calibration": measured, "rows": [dataclasses.asdict(r) for r in rows.values()], "records": records},
        indent=1) + "\n")
    stages = "\n".join(f"- {name}: {text}" for name, text in facts.get("stages", {}).items())
    head = f"{facts['date']}, {facts['device']}, {facts.get('driver', 'no driver')}, commit {facts['commit']}.\nCommand: `{facts['command']}`."
    (folder / "table.md").write_text(
        f"{head}\n\n{stages}\n\nMeasured of the device: {calibration_text(measured)}.\n\n{markdown_table(goals)}\n\n{markdown_table(cells)}\n\n"
        + "Floors: " + "; ".join(f"{text}" for text in dict.fromkeys(f"{r.case.split('/')[0]}: {r.formula}" for r in rows.values() if r.formula))
        + ".\n")
    return f"{text_table(cells)}\n\n{head}\n{stages}\nmeasured: {calibration_text(measured)}\n\n{text_table(goals)}"


def main():
    records = [json.loads(line) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    print(write(records, json.loads(pathlib.Path(sys.argv[2]).read_text()), sys.argv[3]))


if __name__ == "__main__":
    main()
