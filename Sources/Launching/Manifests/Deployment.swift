/// A run on several hosts, as files for those who start its workers there.
///
/// Rendered texts are examples that run as they are; `deploy/` holds them for the defaults, and a test compares.
package struct Deployment: Sendable, Equatable {
  /// Name of everything that belongs to it: lower-case letters, digits and dashes.
  package var name = "meshdecode"
  package var image = "localhost/meshdecode:latest"
  /// Ranks.
  package var worldSize = 4
  /// Ranks that a host should hold at least, those of a tp group.
  package var ranksPerHost = 2
  /// The mesh as settings, `key: value` each.
  package var mesh = ["tensor_parallel_size: 2", "expert_parallel_size: 2"]
  /// Directory of the model on every node; empty for the bundled one.
  package var model = ""
  package var port = 7070
  /// CPUs and memory of each worker.
  package var cpus = 2
  package var memory = "2Gi"

  package init() {}

  /// The file of settings that the coordinator reads.
  var settings: [String] {
    mesh + (model.isEmpty ? [] : ["model: \(model)"]) + [
      "launcher: external", "join_secret_file: /run/secrets/meshdecode/join", "threads_per_worker: \(cpus)",
      "startup_timeout_seconds: 600", "max_tokens: 64",
    ]
  }

  /// What is decoded, one JSON object a line.
  static let prompts = #"{"prompt": "It is a truth universally acknowledged, that"}"#
}
