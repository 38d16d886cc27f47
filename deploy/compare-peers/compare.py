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
import tools

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
    parser.add_argument("--rounds", type=int, default=3, help="alternations, and at most as many again")
    parser.add_argument("--depth", type=int, default=1, help="tokens in the cache before tgN tests, which stand alone then")
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
        if chosen.depth > 1 and not test.startswith("tg"):
            sys.exit(f"error: --depth goes with tgN tests alone, not with {test}")
    return chosen


def pinned(threads, command):
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    return ["taskset", "-c", ",".join(map(str, cpus))] + command


def parts(test):
    """Kind and number: prefill of N tokens, decode of N tokens, or decode of N sequences."""
    kind, count = re.fullmatch(r"(tg|pp|b)(\d+)", test).groups()
    return kind, int(count)


def generated(options):
    """Tokens that decoding tests make."""
    return next((count for kind, count in map(parts, options.tests.split(",")) if kind == "tg"), options.generated)


def numbers(tests):
    """Prompt length (0 for none) and batches (1 for decode) of some tests."""
    kinds = [parts(test) for test in tests]
    prompt = max((count for kind, count in kinds if kind == "pp"), default=0)
    return prompt, sorted({1 if kind == "tg" else count for kind, count in kinds if kind != "pp"})


def mesh_sample(options, what, tests):
    """One sample of each test, of one load: tokens a second, and the fraction of the read bandwidth."""
    _, directory, form, _, threads = what
    prompt, batches = numbers(tests)
    command = [
        options.meshdecode, "bench", "decode", "--model", directory, "--load-format", "dummy",
        *NUMERICS.get(form, ["--quantization", form]), "--threads-per-worker", str(threads),
        "--repetitions", "1", "--max-num-batched-tokens", "512",
        "-p", str(prompt), "-n", str(generated(options) if batches else 0),
        # The first batch is also that of the prompts.
        "--batch", ",".join(map(str, sorted({1, *batches}) if prompt or not batches else batches)), "--depth", str(options.depth), "--output", "json",
    ]
    samples = {}
    for row in json.loads(tools.output(pinned(threads, command)))["rows"]:
        name = f"b{row['batch']}" if row["batch"] > 1 else row["test"].split()[0]
        if name in tests:
            samples[name] = (row["avg_tokens_per_s"], row.get("bandwidth_fraction"))
    return samples


@functools.cache
def unmapped(tool):
    """Options that read weights into memory: pages of a mapped file may be taken away between two samples."""
    text = subprocess.run([tool, "--help"], capture_output=True, text=True).stdout
    if "--load-mode" in text:
        return ["--load-mode", "none"]
    return ["--no-mmap"] if "--no-mmap" in text else ["-mmp", "0"]


def llama_sample(options, what, tests):
    """The same from llama.cpp: llama-bench for one sequence, llama-batched-bench for several."""
    _, _, _, file, threads = what
    prompt, batches = numbers(tests)
    samples = {}
    if prompt or 1 in batches:
        tool = os.path.join(options.llama_bin, "llama-bench")
        command = [
            tool, "-m", file, "-t", str(threads), "-r", "1", "-o", "json",
            "-p", str(prompt), "-n", str(generated(options) if 1 in batches else 0),
            "-d", str(options.depth if options.depth > 1 else 0),
        ]
        for row in json.loads(tools.output(pinned(threads, command + unmapped(tool)))):
            samples[f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"] = (row["avg_ts"], None)
    batches = [count for count in batches if count > 1]
    if batches:
        tool = os.path.join(options.llama_bin, "llama-batched-bench")
        length = generated(options)
        command = [
            tool, "-m", file, "-c", str((length + 32) * max(batches)), "-b", "2048", "-ub", "512", "-npp", "1",
            "-ntg", str(length), "-npl", ",".join(map(str, batches)), "-t", str(threads), "-tb", str(threads),
            "--output-format", "jsonl",
        ]
        for line in tools.output(pinned(threads, command + unmapped(tool))).splitlines():
            if line.startswith("{"):
                row = json.loads(line)
                samples[f"b{row['pl']}"] = (row["speed_tg"], None)
    return samples


def probe(options, threads):
    """Read bandwidth right now in GB/s, 0 without a compiler: the cores of a virtual machine are near or far."""
    if not options.probe:
        return 0
    return float(tools.output(pinned(threads, [options.probe, str(threads)])))


def main():
    options = arguments()
    has_llama = os.access(os.path.join(options.llama_bin, "llama-bench"), os.X_OK)
    if not has_llama:
        print("skipped: llama.cpp (no llama-bench in PATH; --install builds it)", file=sys.stderr)
    options.probe = tools.compiled(options.work, "read_probe", ["cc", "-march=native"], ["-lpthread"])
    if not options.probe:
        print("skipped: read_probe (needs cc); states of the machine are not told apart", file=sys.stderr)
    rows = []
    print("| model | format | threads | test | meshdecode t/s | llama.cpp t/s | ratio | samples | read GB/s | of it |")
    print("|---|---|--:|---|--:|--:|--:|--:|--:|--:|")
    for model in options.models.split(","):
        directory = models.config_directory(options.work, model)
        for form in options.formats.split(","):
            file = models.gguf_file(options.work, model, FORMATS[form]) if has_llama else ""
            for threads in map(int, options.threads.split(",")):
                tests = options.tests.split(",")
                # One thread reads the same in every state of the machine; several are looked at test by test.
                for group in [tests] if threads == 1 else [[test] for test in tests]:
                    rows += measure(options, (model, directory, form, file, threads), group)
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"rows": rows}, out, indent=1)


def measure(options, what, tests):
    """Both sides in turn, `rounds` times, each sample between two looks at the bandwidth.

    Samples count where the bandwidth was the same before and after, and only those of one state of the machine are
    compared: the one that both sides met most often. Rounds are added, at most as many again, until both have two.
    """
    model, _, form, file, threads = what
    sides = {"meshdecode": mesh_sample} | ({"llama_cpp": llama_sample} if file else {})
    samples = {test: {side: [] for side in sides} for test in tests}
    before = probe(options, threads)
    for done in range(2 * options.rounds):
        if done >= options.rounds and all(map(common, samples.values())):
            break
        for side, sample in sides.items():
            found = sample(options, what, tests)
            after = probe(options, threads)
            steady = abs(after - before) <= 0.2 * max(before, after)
            for test in tests:
                speed, fraction = found[test]
                samples[test][side].append(
                    {"t_s": speed, "fraction": fraction, "gb_s": (before + after) / 2, "steady": steady})
            before = after
    rows = [
        {
            "model": model, "quantization": form, "threads": threads, "test": test, "samples": taken,
            "compared": common(taken),
        } for test, taken in samples.items()
    ]
    for row in rows:
        show(row)
    return rows


def common(samples):
    """Steady samples of one state, by side; None when no state was met twice by all sides."""
    steady = {side: [s for s in taken if s["steady"]] for side, taken in samples.items()}
    best, most = None, 1
    for pivot in {round(s["gb_s"], 1) for taken in steady.values() for s in taken}:
        near = {side: [s for s in taken if abs(s["gb_s"] - pivot) <= 0.15 * pivot] for side, taken in steady.items()}
        if min(map(len, near.values())) > most:
            best, most = near, min(map(len, near.values()))
    return best


def show(row):
    chosen = row["compared"] or row["samples"]
    speeds = {side: statistics.median(s["t_s"] for s in taken) for side, taken in chosen.items()}
    mine, peer = speeds["meshdecode"], speeds.get("llama_cpp")
    fractions = [s["fraction"] for s in chosen["meshdecode"] if s["fraction"]]
    bandwidth = statistics.median(s["gb_s"] for taken in chosen.values() for s in taken)
    cells = [
        row["model"], row["quantization"], str(row["threads"]), row["test"], f"{mine:.2f}",
        f"{peer:.2f}" if peer else "-", f"{mine / peer:.2f}" if peer else "-",
        " and ".join(str(len(taken)) for taken in chosen.values()) + ("" if row["compared"] else ", mixed"),
        f"{bandwidth:.0f}" if bandwidth else "", f"{100 * statistics.median(fractions):.0f} %" if fractions else "",
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


main()
