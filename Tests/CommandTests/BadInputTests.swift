import Foundation
import TestSupport
import Testing

/// Whatever a user gets wrong: one sentence on standard error, the right exit code, and nothing left behind.
@Suite(.serialized) struct BadInputTests {
  /// Arguments, in which `@` is a directory with `BrokenModels` and the files below; exit code; words of the
  /// sentence.
  typealias Case = (arguments: String, code: Int32, words: String)

  static let models: [Case] = [
    ("generate --prompt a --model /no/such", 1, "/no/such/config.json does not exist; give --model"),
    ("generate --prompt a --model @/unparsable", 1, "config.json is no JSON"),
    ("generate --prompt a --model @/unknown-architecture", 1, "the architecture \"Foo\" is not supported"),
    ("generate --prompt a --model @/zero-width", 1, "hidden_size is 0; it must be a whole number from 1"),
    ("generate --prompt a --model @/without-weights", 1, "safetensors"),
    ("generate --prompt a --model @/truncated", 1, "the file is truncated or its header is wrong"),
    ("generate --prompt a --model @/endless-header --tp 2", 1, "at most 100000000 are allowed"),
    ("generate --prompt a --model @/damaged-header --tp 2", 1, "does not start with '{'"),
    ("generate --prompt a --model @/empty", 1, "model.safetensors is empty"),
    ("generate --prompt a --model @/without-tokenizer", 2, "has no tokenizer.json; give --prompt-token-ids"),
    ("generate --prompt a --tp 2 --hf-overrides {\"vocab_size\":99}", 1, "the configuration needs [99, 192]"),
    ("generate --prompt a --tp 2 --hf-overrides {\"num_hidden_layers\":7}", 1, "has no tensor"),
    ("generate --prompt a --hf-overrides {\"hidden_size\":-1}", 2, "hidden_size is -1"),
  ]

  static let meshes: [Case] = [
    ("generate --prompt a --tp 7", 2, "only 6 query heads"),
    ("generate --prompt a --ep 3 --tp 3", 2, "use ep=3 tp=2"),
    ("generate --prompt a --attn-dp-expert 9", 2, "only 8 experts"),
    ("generate --prompt a --dp 1024 --tp 6", 2, "has more than 4096 ranks"),
    ("generate --prompt a --dp 1024", 2, "asks for 1024 workers on this host"),
    ("generate --prompt a --threads-per-worker 1000", 2, "--threads-per-worker 1000 is more than this host"),
    ("generate --prompt a --block-size 7", 2, "--block-size cannot be '7'; give a number in the range 16"),
    ("generate --prompt a --block-size 40", 2, "--block-size 40 is no multiple of 16; give 32 or 48."),
    ("generate --prompt a --kv-cache-memory-bytes 1000", 2, "raise --kv-cache-memory-bytes to at least"),
    ("generate --prompt a --max-num-seqs 600", 2, "--max-num-batched-tokens 512 is less than"),
    ("generate --prompt a --run-directory /no/such", 1, "the run directory cannot be made in /no/such"),
    ("generate --prompt a --run-directory @/text", 1, "give a --run-directory that exists and is writable"),
    (
      "generate --prompt a --hf-overrides {\"rope_scaling\":{\"rope_type\":\"dynamic\",\"factor\":2.0}} "
        + "--max-model-len 99999", 2, "where this model's dynamic rotary scaling begins"
    ),
    ("generate --prompt a --expert-dispatch pigeon", 2, "choose one of auto, all-to-all, all-reduce"),
    ("generate --prompt a --config @/bad.yaml", 2, "there is no setting 'tpp'; did you mean 'tp'?"),
    ("worker", 2, "A worker needs --coordinator"),
  ]

  static let prompts: [Case] = [
    ("generate", 2, "No prompt was given"),
    ("generate --prompt a --prompt-token-ids 1", 2, "More than one kind of prompt"),
    ("generate --prompt ", 2, "the prompt has no tokens; give at least one"),
    ("generate --prompt-token-ids 1,x", 2, "--prompt-token-ids has 'x'"),
    ("generate --prompt-token-ids 1,4096", 2, "4096 is outside the vocabulary; give 0 to 4095"),
    ("generate --prompt-token-ids 1,2,3 --max-model-len 3", 2, "at most 2 fit --max-model-len = 3"),
    ("generate --prompts-file /no/such", 1, "/no/such does not exist"),
    ("generate --prompts-file @", 1, "cannot be read"),
    ("generate --prompts-file @/empty.jsonl", 1, "has no prompt"),
    ("generate --prompts-file @/bad.jsonl", 1, "bad.jsonl, line 2: it needs \"prompt\""),
    ("generate --prompt a --stop-token-ids 4096", 2, "outside the vocabulary"),
    ("generate --prompt a --n 2", 2, "set a temperature above 0"),
    ("generate --prompt a --min-tokens 99", 2, "--min-tokens 99 is more than --max-tokens 64"),
    ("logits --prompt a --save-to /no/such/x", 1, "give a file in a writable directory"),
    ("logits --prompt a --save-to @", 1, "give a file in a writable directory"),
    ("logits --prompt-token-ids 9999 --save-to @/runs/x", 2, "outside the vocabulary"),
    ("logits --prompt a --model @/truncated --save-to @/runs/x", 1, "truncated"),
    ("trace --tp 2 --compare-digests", 2, "leave --compare-digests out"),
    ("perplexity --file /no/such", 1, "/no/such does not exist"),
    ("perplexity --file @/text", 2, "fewer than one window of 256"),
    ("perplexity --file @/text --window 1", 2, "--window cannot be 1"),
    ("perplexity --file @/bytes", 1, "not valid UTF-8 at byte 4"),
  ]

  /// Every setting with a number refuses what is none or far off.
  static let numbers: [Case] = [
    "tp", "ep", "dp", "attn-dp", "attn-dp-expert", "seed", "max-model-len", "max-num-seqs",
    "max-num-batched-tokens", "long-prefill-token-threshold", "kv-cache-memory-bytes", "max-tokens",
    "temperature", "top-p", "top-k", "min-p", "repetition-penalty", "frequency-penalty", "logprobs", "n",
    "threads-per-worker", "startup-timeout-seconds",
  ].enumerated().map { index, flag in
    let value = ["-1000", "99999999999999999999", "nan", "1e999"][index % 4]
    return ("generate --prompt a --\(flag) \(value)", 2, "cannot be '\(value)'; give a number in the range")
  }

  @Test func everyBadInputGetsOneSentence() async throws {
    try await withTemporaryDirectory { directory in
      try BrokenModels.write(in: directory)
      let runs = directory.appendingPathComponent("runs")
      try FileManager.default.createDirectory(at: runs, withIntermediateDirectories: false)
      for (name, text) in [
        ("text", "Once upon a time"), ("empty.jsonl", "\n"), ("bad.yaml", "tpp: 2\n"),
        ("bad.jsonl", "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n"),
      ] { try Data(text.utf8).write(to: directory.appendingPathComponent(name)) }
      try Data(Array("Once".utf8) + [0xFF]).write(to: directory.appendingPathComponent("bytes"))

      for one in Self.models + Self.meshes + Self.prompts + Self.numbers {
        let arguments = one.arguments.replacing("@", with: directory.path)
          .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let outcome = try await ProcessHarness.run(
          arguments, environment: ["XDG_RUNTIME_DIR": runs.path])
        let said = "\(one.arguments) said: \(outcome.ending) \(outcome.standardError)"
        #expect(outcome.exitCode == one.code, "\(said)")
        #expect(outcome.standardError.hasPrefix("error: "), "\(said)")
        #expect(outcome.standardError.split(separator: "\n").count == 1, "\(said)")
        #expect(outcome.standardError.contains(one.words), "\(said)")
        #expect(outcome.standardOutput == "", "\(said)")
        let left = try await Leaks.remaining(in: runs)
        #expect(left == [], "\(said)")
      }
    }
  }
}

/// Copies of the bundled model, each broken in one way.
private enum BrokenModels {
  private static let bundled = Fixtures.packageRoot
    .appendingPathComponent("Sources/meshdecode/Resources/tiny-qwen3-moe")

  static func write(in directory: URL) throws {
    let config = try String(contentsOf: bundled.appendingPathComponent("config.json"), encoding: .utf8)
    let weights = try Data(contentsOf: bundled.appendingPathComponent("model.safetensors"))
    let changes: [(name: String, file: String, content: Data?)] = [
      ("unparsable", "config.json", Data("{\"hidden_size\": [".utf8)),
      (
        "unknown-architecture", "config.json", Data(config.replacing("Qwen3MoeForCausalLM", with: "Foo").utf8)
      ),
      (
        "zero-width", "config.json",
        Data(config.replacing("\"hidden_size\": 192", with: "\"hidden_size\": 0").utf8)
      ),
      ("without-weights", "model.safetensors", nil),
      ("without-tokenizer", "tokenizer.json", nil),
      ("truncated", "model.safetensors", weights.prefix(weights.count / 2)),
      ("endless-header", "model.safetensors", Data(repeating: 0xFF, count: 8) + weights.dropFirst(8)),
      ("damaged-header", "model.safetensors", weights.prefix(8) + [0x7D] + weights.dropFirst(9)),
      ("empty", "model.safetensors", Data()),
    ]
    let files = try FileManager.default.contentsOfDirectory(atPath: bundled.path)
    for change in changes {
      let model = directory.appendingPathComponent(change.name)
      try FileManager.default.createDirectory(at: model, withIntermediateDirectories: false)
      for file in files where file != change.file {
        try FileManager.default.createSymbolicLink(
          at: model.appendingPathComponent(file), withDestinationURL: bundled.appendingPathComponent(file))
      }
      try change.content?.write(to: model.appendingPathComponent(change.file))
    }
  }
}
