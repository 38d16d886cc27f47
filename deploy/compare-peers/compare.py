"""Runs MeshDecode and llama.cpp alternately on equal models and prints the ratios of their medians."""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys

import models

# Our format, and the file type of equal size in llama.cpp.
FORMATS = {"bf16": "BF16", "q8": "Q8_0", "q4": "Q4_0"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--llama-bin", required=True)
    parser.add_argument("--meshdecode", required=True)
    parser.add_argument("--models", default=",".join(models.SHAPES))
    parser.add_argument("--formats", default="bf16,q8,q4")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--tests", default="tg32,pp512", help="tgN decode, ppN prefill, bN decode of N sequences")
    parser.add_argument("--rounds", type=int, default=3, help="alternations; each takes one sample of both")
    parser.add_argument("--json", default="", help="also write the rows to this file")
    chosen = parser.parse_args()
    for name, known in [("models", models.SHAPES), ("formats", FORMATS)]:
        for value in getattr(chosen, name).split(","):
            if value not in known:
                sys.exit(f"error: --{name} cannot be {value}; choose from {', '.join(known)}")
    for test in chosen.tests.split(","):
        if not re.fullmatch(r"(tg|pp|b)[1-9][0-9]*", test):
            sys.exit(f"error: --tests cannot be {test}; give tgN, ppN or bN")
    return chosen


def pinned(threads, command):
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    return ["taskset", "-c", ",".join(map(str, cpus))] + command


def output(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def mesh_sample(options, directory, form, threads, test):
    kind, count = re.fullmatch(r"(tg|pp|b)(\d+)", test).groups()
    sizes = {
        "tg": ["-p", "0", "-n", count],
        "pp": ["-p", count, "-n", "0"],
        "b": ["-p", "0", "-n", "32", "--batch", count],
    }[kind]
    command = [
        options.meshdecode, "bench", "decode", "--model", directory, "--load-format", "dummy",
        "--quantization", form, "--threads-per-worker", str(threads), "--repetitions", "1",
        "--max-num-batched-tokens", "512", "--output", "json",
    ]
    row = json.loads(output(pinned(threads, command + sizes)))["rows"][0]
    return row["avg_tokens_per_s"], row.get("bandwidth_fraction")


def llama_sample(options, file, threads, test):
    kind, count = re.fullmatch(r"(tg|pp|b)(\d+)", test).groups()
    if kind == "b":
        tool = os.path.join(options.llama_bin, "llama-batched-bench")
        text = output(
            pinned(threads, [
                tool, "-m", file, "-c", str(64 * int(count)), "-b", "2048", "-ub", "512", "-npp", "1",
                "-ntg", "32", "-npl", count, "-t", str(threads), "-tb", str(threads), "--output-format", "jsonl",
            ]))
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return rows[-1]["speed_tg"]
    tool = os.path.join(options.llama_bin, "llama-bench")
    sizes = ["-p", "0", "-n", count] if kind == "tg" else ["-p", count, "-n", "0"]
    text = output(
        pinned(threads, [tool, "-m", file, "-t", str(threads), "-r", "1", "-o", "json"] + sizes))
    return json.loads(text)[0]["avg_ts"]


def main():
    options = arguments()
    has_llama = os.access(os.path.join(options.llama_bin, "llama-bench"), os.X_OK)
    if not has_llama:
        print("skipped: llama.cpp (no llama-bench in PATH; --install builds it)", file=sys.stderr)
    rows = []
    print("| model | format | threads | test | meshdecode t/s | llama.cpp t/s | ratio | of read bandwidth |")
    print("|---|---|--:|---|--:|--:|--:|--:|")
    for model in options.models.split(","):
        directory = models.config_directory(options.work, model)
        for form in options.formats.split(","):
            file = models.gguf_file(options.work, model, FORMATS[form]) if has_llama else ""
            for threads in map(int, options.threads.split(",")):
                for test in options.tests.split(","):
                    rows.append(measure(options, has_llama, (model, directory, form, file, threads, test)))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"rows": rows}, out, indent=1)


def measure(options, has_llama, what):
    model, directory, form, file, threads, test = what
    ours, theirs, fractions = [], [], []
    for _ in range(options.rounds):
        speed, fraction = mesh_sample(options, directory, form, threads, test)
        ours.append(speed)
        if fraction:
            fractions.append(fraction)
        if has_llama:
            theirs.append(llama_sample(options, file, threads, test))
    mine = statistics.median(ours)
    peer = statistics.median(theirs) if theirs else None
    fraction = statistics.median(fractions) if fractions else None
    cells = [
        model, form, str(threads), test, f"{mine:.2f}", f"{peer:.2f}" if peer else "-",
        f"{mine / peer:.2f}" if peer else "-", f"{100 * fraction:.0f} %" if fraction else "",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)
    return {
        "model": model, "quantization": form, "threads": threads, "test": test, "meshdecode": ours,
        "llama_cpp": theirs, "bandwidth_fraction": fraction,
    }


main()
