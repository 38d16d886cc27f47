internal import ArgumentParser
internal import Planning

struct TranslateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "translate",
    abstract: "Says what a vLLM configuration becomes here: JSON lines in, JSON lines out.",
    discussion: """
      Each line of standard input is one object. {"kind": "model", ...} gives {"overrides", "log"}; \
      {"kind": "sharding", ...} gives {"tp", "ep", "attn_dp", "attn_dp_expert", "dp", "total_devices"}. A line \
      that cannot be planned gives {"error": "sentence"}, and the next line is read.

      Example:
        echo '{"kind": "sharding", "parallel": {"tensor_parallel_size": 4}, "model": {"total_num_kv_heads": 8, \
      "head_size": 128, "dtype": "bfloat16"}}' | meshdecode translate
      """)

  func run() throws {
    try LineFilter.run { line in
      guard let text = String(validating: line, as: UTF8.self) else {
        return Array(#"{"error": "The line is not UTF-8."}"#.utf8)
      }
      return Array(Translator.translate(line: text).utf8)
    }
  }
}
