"""All-reduce of MeshDecode beside a bare ZeroMQ exchange, Open MPI and Gloo: medians of alternating runs, and ratios."""

import argparse
import json
import os
import shutil
import statistics
import sys

import tools

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True, help="where the small programs are compiled")
    parser.add_argument("--meshdecode", required=True)
    parser.add_argument("--ranks", default="2")
    parser.add_argument("--bytes", default="1024,4096,16384,65536,262144,1048576")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", default="", help="also write the rows to this file")
    return parser.parse_args()


def lines(text):
    return {row["bytes"]: row["median_us"] for row in map(json.loads, text.splitlines())}


def contenders(options, ranks):
    """Name and command of everything that can run here; what cannot is skipped by name."""
    sizes = options.bytes.split(",")
    times = str(options.iterations)
    found = {}
    for transport in ("ipc", "tcp", "shm"):
        found["meshdecode " + transport] = [
            options.meshdecode, "bench", "collectives", "--ranks", str(ranks), "--bytes", options.bytes,
            "--iterations", times, "--transport", transport, "--output", "json",
        ] + (["--insecure"] if transport == "tcp" else [])
    bare = tools.compiled(options.work, "exchange_zmq", ["cc"], ["-lzmq"])
    if bare:
        for transport in ("ipc", "tcp"):
            found["bare ZeroMQ " + transport] = [bare, str(ranks), times, transport] + sizes
    else:
        print("skipped: bare ZeroMQ (needs cc and libzmq3-dev)", file=sys.stderr)
    mpi = tools.compiled(options.work, "allreduce_mpi", ["mpicc"], [])
    if mpi and shutil.which("mpirun"):
        common = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-np", str(ranks)]
        found["Open MPI shm"] = common + ["--mca", "btl", "self,vader", mpi, times] + sizes
        found["Open MPI tcp"] = common + ["--mca", "btl", "self,tcp", mpi, times] + sizes
    else:
        print("skipped: Open MPI (needs libopenmpi-dev and openmpi-bin)", file=sys.stderr)
    python = os.environ.get("TORCH_PYTHON", "")
    if python:
        found["Gloo tcp"] = [python, os.path.join(HERE, "allreduce_gloo.py"), str(ranks), times] + sizes
    else:
        print("skipped: Gloo (TORCH_PYTHON names a Python that has torch)", file=sys.stderr)
    return found


def sample(name, command):
    text = tools.output(command)
    if name.startswith("meshdecode"):
        rows = json.loads(text)["rows"]
        if not all(row["verified"] for row in rows):
            sys.exit(f"error: {name} got a wrong sum")
        return {row["bytes"]: row["median_us"] for row in rows}
    return lines(text)


def main():
    options = arguments()
    rows = []
    for ranks in map(int, options.ranks.split(",")):
        found = contenders(options, ranks)
        samples = {name: [] for name in found}
        for _ in range(options.rounds):
            for name, command in found.items():
                samples[name].append(sample(name, command))
        print(f"\nAll-reduce of {ranks} ranks, median microseconds of {options.rounds} runs:\n")
        print("| bytes | " + " | ".join(found) + " |")
        print("|--:" * (len(found) + 1) + "|")
        for size in map(int, options.bytes.split(",")):
            medians = {name: statistics.median(s[size] for s in samples[name]) for name in found}
            print(f"| {size} | " + " | ".join(f"{medians[name]:.1f}" for name in found) + " |", flush=True)
            rows += [
                {"operation": "all-reduce", "ranks": ranks, "bytes": size, "transport": name, "median_us": value}
                for name, value in medians.items()
            ]
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"rows": rows}, out, indent=1)


main()
