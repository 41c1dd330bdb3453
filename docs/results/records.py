"""Runs experiments and keeps what they found here: a record without curves, a page, and one figure of each, with the times they took.

    python docs/results/records.py run OUT separation depths geomnist-fashion=geomnist:/usr/share/datasets/fashion-mnist
    python docs/results/records.py write OUT

A run that is stopped goes on where it was when the same command is given again; its times add up.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TIMES = "times.json"
"""Seconds of every session of a run, beside the run directories."""
LONGEST = 30
"""Numbers in a list of a record: curves are longer, and stay in the run directory."""
SHOWN = {
    "separation": 3,
    "widths": 1,
    "depths": 1,
    "architectures": 2,
    "freezing": 1,
    "sentences": 1,
    "imbalance": 1,
    "unconstrained": 1,
    "geomnist": 6,
    "label-noise": 1,
}
"""Which figure of an experiment is kept, counted from one."""


def run(out: Path, names: list[str], profile: str = "medium") -> None:
    """Run experiments one after the other, two units of work at a time."""
    out.mkdir(parents=True, exist_ok=True)
    for entry in names:
        name, _, what = entry.partition("=")
        experiment, _, data = (what or name).partition(":")
        options = [*(["--data", data] if data else []), *(["--resume"] if (out / name).exists() else [])]
        command = [sys.executable, "-m", "layerpeel", "train", experiment, "--profile", profile, "--workers", "2", "--out", str(out / name)]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        status = subprocess.run([*command, *options], check=False).returncode
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        times = json.loads((out / TIMES).read_text()) if (out / TIMES).exists() else {}
        times.setdefault(name, []).append({"wall": round(time.monotonic() - began, 1), "cpu": round(cpu, 1), "status": status})
        (out / TIMES).write_text(json.dumps(times, indent=2) + "\n")


def write(out: Path) -> None:
    """Record, figure and page of every run that is finished, and the list of all."""
    times = json.loads((out / TIMES).read_text())
    for place in sorted(path.parent for path in out.glob("*/results.json")):
        sessions = times.get(place.name, [])
        result = json.loads((place / "results.json").read_text())
        record = {key: value for key, value in result.items() if key not in {"directory", "figures", "schema_version"}}
        record["results"] = [{key: value for key, value in row.items() if not _long(value)} for row in record["results"]]
        record["seconds"] = {kind: _sum([session[kind] for session in sessions]) for kind in ("wall", "cpu")}
        (HERE / f"{place.name}.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        shutil.copyfile(place / f"figure-{SHOWN[record['experiment']]}.svg", HERE / f"{place.name}.svg")
    records = {path.stem: json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))}
    for name, record in records.items():
        (HERE / f"{name}.md").write_text(_page(name, record))
    (HERE / "index.md").write_text(_index(records))


def _sum(seconds: list[float | None]) -> int | None:
    """None where a session's were not measured."""
    known = [each for each in seconds if each is not None]
    return round(sum(known)) if len(known) == len(seconds) else None


def _minutes(seconds: int | None) -> str:
    return "–" if seconds is None else f"{seconds / 60:.1f}"


def _long(value: Any) -> bool:
    return isinstance(value, list) and (len(value) > LONGEST or any(isinstance(part, list) for part in value))


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "∣").replace("_", " ") for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def _page(name: str, record: dict[str, Any]) -> str:
    rows = record["results"]
    columns = [key for key, value in rows[0].items() if not isinstance(value, list)]
    named = next((n for n in (1, 2, 3) if len({tuple(str(row[key]) for key in columns[:n]) for row in rows}) == len(rows)), 1)
    wide = 8 - named
    parts = [columns[:named] + columns[named:][start : start + wide] for start in range(0, len(columns) - named, wide)]
    seconds = record["seconds"]
    libraries = ", ".join(f"{library} {version}" for library, version in record["versions"].items())
    told = (
        f"Experiment `{record['experiment']}`, seed {record['seed']}, data {record['data'] or 'as packaged'}, device {record['device']}; "
        f"{libraries}. {record['units']} units of work, {_minutes(seconds['cpu'])} minutes of CPU. All numbers are in "
        f"[{name}.json]({name}.json); the page that `layerpeel train` leaves says what the columns mean."
    )
    blocks = [
        f"# {name}, profile {record['profile']}",
        told,
        f"![One of its figures]({name}.svg)",
        *(_table(part, [[_cell(row[key]) for key in part] for row in rows]) for part in parts),
    ]
    for title, key in (("Beside the source", "beside_source"), ("Settings that differ from the source's", "differing_settings")):
        if record[key]:
            blocks += [f"## {title}", _table(list(record[key][0]), [list(map(str, row.values())) for row in record[key]])]
    return "\n\n".join(blocks) + "\n"


def _index(records: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, record in records.items():
        minutes = [_minutes(record["seconds"][kind]) for kind in ("cpu", "wall")]
        rows.append([f"[{name}]({name}.md)", record["profile"], str(record["units"]), *minutes])
    told = (
        "Runs of `layerpeel train` to their end, with the minutes that they took: CPU, which two quiet cores share, and wall clock, on two "
        "cores that others used too. What is not listed was not run; nothing was run with `--profile sources`."
    )
    listed = "\n".join(records)
    table = _table(["run", "profile", "units", "CPU", "wall clock"], rows)
    blocks = ["# What the experiments found", told, table, f"```{{toctree}}\n:hidden:\n\n{listed}\n```"]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]), sys.argv[3:])
    else:
        write(Path(sys.argv[2]))
