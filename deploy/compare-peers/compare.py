"""Runs MeshDecode and llama.cpp alternately on equal models and prints the ratios of their medians."""

import argparse
import functools
import json
import os
import re
import statistics
import subprocess
import sys

import models

# Our format, and the file type of equal size in llama.cpp.
FORMATS = {"bf16": "BF16", "bf16-dots": "BF16", "q8": "Q8_0", "q4": "Q4_0"}
# Both sides round the activations of bf16 products to bf16 as well.
NUMERICS = {"bf16-dots": ["--quantization", "bf16", "--numerics", "fast"]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--llama-bin", required=True)
    parser.add_argument("--meshdecode", required=True)
    parser.add_argument("--models", default=",".join(models.SHAPES))
    parser.add_argument("--formats", default="bf16,q8,q4")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--tests", default="tg32,pp512,b4,b16,b32", help="tgN decode, ppN prefill, bN decode of N sequences")
    parser.add_argument("--rounds", type=int, default=3, help="alternations; each takes one sample of both")
    parser.add_argument("--generated", type=int, default=32, help="tokens of bN tests without a tgN test")
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


def sizes(options):
    """Prompt length, generated tokens and batches of the chosen tests; one length of each kind."""
    found = {"tg": [], "pp": [], "b": []}
    for test in options.tests.split(","):
        kind, count = re.fullmatch(r"(tg|pp|b)(\d+)", test).groups()
        found[kind].append(int(count))
    return max(found["pp"], default=0), max(found["tg"], default=0), sorted(set(found["b"]))


def mesh_samples(options, directory, form, threads):
    """One sample of every test: speed and fraction of the read bandwidth. The model is loaded once."""
    prompt, generated, batches = sizes(options)
    batches = ([1] if generated else []) + batches
    command = [
        options.meshdecode, "bench", "decode", "--model", directory, "--load-format", "dummy",
        *NUMERICS.get(form, ["--quantization", form]), "--threads-per-worker", str(threads), "--repetitions", "1",
        "--max-num-batched-tokens", "512", "-p", str(prompt),
        "-n", str((generated or options.generated) if batches else 0),
        "--batch", ",".join(map(str, batches or [1])), "--output", "json",
    ]
    samples = {}
    for row in json.loads(output(pinned(threads, command)))["rows"]:
        name = f"b{row['batch']}" if row["batch"] > 1 else row["test"]
        samples[name] = (row["avg_tokens_per_s"], row.get("bandwidth_fraction"))
    return samples


@functools.cache
def unmapped(tool):
    """Options that read weights into memory: pages of a mapped file may be taken away between two samples."""
    text = subprocess.run([tool, "--help"], capture_output=True, text=True).stdout
    if "--load-mode" in text:
        return ["--load-mode", "none"]
    return ["--no-mmap"] if "--no-mmap" in text else ["-mmp", "0"]


def llama_samples(options, file, threads):
    """The same from llama.cpp: llama-bench for one sequence, llama-batched-bench for several."""
    prompt, generated, batches = sizes(options)
    samples = {}
    if prompt or generated:
        tool = os.path.join(options.llama_bin, "llama-bench")
        command = [tool, "-m", file, "-t", str(threads), "-r", "1", "-o", "json"] + unmapped(tool)
        text = output(pinned(threads, command + ["-p", str(prompt), "-n", str(generated)]))
        for row in json.loads(text):
            name = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
            samples[name] = row["avg_ts"]
    if batches:
        tool = os.path.join(options.llama_bin, "llama-batched-bench")
        length = generated or options.generated
        text = output(
            pinned(threads, [
                tool, "-m", file, "-c", str((length + 32) * max(batches)), "-b", "2048", "-ub", "512",
                "-npp", "1", "-ntg", str(length), "-npl", ",".join(map(str, batches)), "-t", str(threads),
                "-tb", str(threads), "--output-format", "jsonl",
            ] + unmapped(tool)))
        for line in text.splitlines():
            if line.startswith("{"):
                row = json.loads(line)
                samples[f"b{row['pl']}"] = row["speed_tg"]
    return samples


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
                rows += measure(options, (model, directory, form, file, threads))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"rows": rows}, out, indent=1)


def measure(options, what):
    """All tests of one model, format and number of threads: both sides in turn, `rounds` times."""
    model, directory, form, file, threads = what
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(mesh_samples(options, directory, form, threads))
        if file:
            theirs.append(llama_samples(options, file, threads))
    rows = []
    for test in ours[0]:
        mine = [sample[test][0] for sample in ours]
        fractions = [sample[test][1] for sample in ours if sample[test][1]]
        peer = [sample[test] for sample in theirs]
        rows.append({
            "model": model, "quantization": form, "threads": threads, "test": test, "meshdecode": mine,
            "llama_cpp": peer, "bandwidth_fraction": statistics.median(fractions) if fractions else None,
        })
        show(rows[-1])
    return rows


def show(row):
    mine = statistics.median(row["meshdecode"])
    peer = statistics.median(row["llama_cpp"]) if row["llama_cpp"] else None
    fraction = row["bandwidth_fraction"]
    cells = [
        row["model"], row["quantization"], str(row["threads"]), row["test"], f"{mine:.2f}",
        f"{peer:.2f}" if peer else "-", f"{mine / peer:.2f}" if peer else "-",
        f"{100 * fraction:.0f} %" if fraction else "",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


main()
