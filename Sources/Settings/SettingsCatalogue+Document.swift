/// `configs/base.yaml`, rendered from the catalogue so that the two cannot drift apart.
extension SettingsCatalogue {
  /// The whole documented file: every knob with reason, unit, allowed values and default.
  ///
  /// A setting that is unset by default stands as a comment.
  package static func baseYAML() -> String {
    var lines = [
      "# Every setting of MeshDecode with its default. Copy the lines that you want to change into a file of",
      "# your own and pass it with --config FILE; a flag on the command line wins over the file.",
      "# The flag of a key is the key with dashes: tensor_parallel_size is --tensor-parallel-size.",
    ]
    for group in SettingGroup.allCases {
      lines += ["", "# ---- \(group.heading) ----"]
      for setting in all where setting.group == group {
        lines += [""] + setting.documentation
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension SettingGroup {
  /// The group in words.
  package var heading: String {
    switch self {
    case .model: "model: which weights to run"
    case .mesh: "mesh: how many ranks along each axis"
    case .scheduler: "scheduler: batches and the KV cache"
    case .sampling: "sampling: how tokens are chosen and when an answer ends"
    case .launch: "launch: worker processes and their links"
    case .output: "output: what is printed"
    }
  }
}

extension Setting {
  /// The comment and the `key: default` line of this setting.
  fileprivate var documentation: [String] {
    var facts = ["allowed: \(domain.allowed)"]
    if !unit.isEmpty { facts.append("unit: \(unit)") }
    if !aliases.isEmpty { facts.append("also \(aliases.map { "--" + $0 }.joined(separator: ", "))") }
    let comment = [
      "# \(why.prefix(1).uppercased() + why.dropFirst()).", "# \(facts.joined(separator: "; "))",
    ]
    return comment + [defaultTexts.isEmpty ? "# \(key):" : "\(key): \(defaultTexts.joined(separator: ", "))"]
  }
}
