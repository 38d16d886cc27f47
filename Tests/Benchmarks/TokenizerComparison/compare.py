#!/usr/bin/env python3
"""Loading and encoding, this project beside the reference package `tokenizers`, one thread each, rounds interleaved.

    swift build -c release --product tokenizer-timing
    python3 -m venv .venv && .venv/bin/pip install tokenizers
    .venv/bin/python Tests/Benchmarks/TokenizerComparison/compare.py

Trains a byte-level BPE of 32,000 tokens on Python's own standard library and the recorded test texts, encodes 1 MB of
a mix of them, and loads a synthetic tokenizer.json of 10 MB. Prints a Markdown table; ids must be equal.
"""
import glob, json, os, random, subprocess, sys, sysconfig, tempfile, time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
try:
    import tokenizers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
except ImportError:
    sys.exit("the package tokenizers is missing: python3 -m venv .venv && .venv/bin/pip install tokenizers")

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
TIMING = os.environ.get("TOKENIZER_TIMING", os.path.join(ROOT, ".build", "release", "tokenizer-timing"))
if not os.path.exists(TIMING):
    sys.exit(f"{TIMING} is missing: swift build -c release --product tokenizer-timing")


def corpus():
    """Lines of code and of many languages, in a fixed order."""
    lines = []
    for name in sorted(glob.glob(os.path.join(sysconfig.get_paths()["stdlib"], "*.py"))):
        with open(name, encoding="utf-8", errors="ignore") as file:
            lines += file.read().split("\n")
    for name in sorted(glob.glob(os.path.join(ROOT, "Tests/TokenizationTests/Fixtures/tokenizers/*/cases.json"))):
        with open(name, encoding="utf-8") as file:
            for case in json.load(file)["cases"] * 4:
                lines += case["text"].split("\n")
    return lines


def train(lines, path):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=32000, initial_alphabet=alphabet, show_progress=False))
    tokenizer.save(path, pretty=False)


def synthesize(path, source):
    """A tokenizer.json of about 10 MB: random merges on top of the byte alphabet."""
    chance = random.Random(3)
    vocabulary = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokens, merges = list(vocabulary), []  # short ones, as real tokens are
    while len(tokens) < 190_000:
        left, right = chance.choice(tokens[:4000]), chance.choice(tokens[:4000])
        if len(left + right) <= 14 and left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            tokens.append(left + right)
            merges.append([left, right])
    with open(source, encoding="utf-8") as file:
        whole = json.load(file)
    whole["model"]["vocab"], whole["model"]["merges"] = vocabulary, merges
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, ensure_ascii=False)


def reference(path, text, rounds=1):
    best = {"load_s": 1e9, "encode_s": 1e9, "decode_s": 1e9}
    for _ in range(rounds):
        start = time.perf_counter()
        tokenizer = Tokenizer.from_file(path)
        loaded = time.perf_counter()
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        encoded = time.perf_counter()
        tokenizer.decode(ids, skip_special_tokens=False)
        end = time.perf_counter()
        times = {"load_s": loaded - start, "encode_s": encoded - loaded, "decode_s": end - encoded}
        best = {key: min(best[key], times[key]) for key in best}
    return {**best, "tokens": len(ids)}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    lines = corpus()
    chance = random.Random(1)
    chosen, size = [], 0
    while size < 1_000_000:
        start = chance.randrange(len(lines) - 30)
        chosen.append("\n".join(lines[start:start + 30]))
        size += len(chosen[-1].encode()) + 1
    text = "\n".join(chosen)
    with tempfile.TemporaryDirectory() as folder:
        small, large = os.path.join(folder, "32k.json"), os.path.join(folder, "large.json")
        sample, short = os.path.join(folder, "mixed.txt"), os.path.join(folder, "short.txt")
        train(lines, small)
        synthesize(large, small)
        for name, content in ((sample, text), (short, "one line")):
            with open(name, "w", encoding="utf-8", newline="") as file:
                file.write(content)
        print(f"tokenizers {tokenizers.__version__}, {len(text.encode()):,} bytes of text, best of {rounds}\n")
        print("| what | this project | tokenizers | ratio |\n|---|---|---|---|")
        for label, path, content, source in (
                ("1 MB, 32,000 tokens", small, text, sample),
                (f"{os.path.getsize(large) / 1e6:.1f} MB tokenizer.json", large, "one line", short)):
            mine, theirs = {}, {}
            for _ in range(rounds):
                output = json.loads(subprocess.check_output([TIMING, path, source, "1"]))
                other = reference(path, content)
                assert output["tokens"] == other["tokens"], (output, other)
                for key in ("load_s", "encode_s", "decode_s"):
                    mine[key] = min(mine.get(key, 1e9), output[key])
                    theirs[key] = min(theirs.get(key, 1e9), other[key])
            keys = ("load_s", "encode_s", "decode_s") if path == small else ("load_s",)
            for key in keys:
                print(f"| {label}: {key[:-2]} | {mine[key] * 1e3:.1f} ms | {theirs[key] * 1e3:.1f} ms | "
                      f"{theirs[key] / mine[key]:.2f}x |")


main()
