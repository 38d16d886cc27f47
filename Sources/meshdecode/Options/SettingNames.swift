internal import ArgumentParser
internal import Settings

extension NameSpecification {
  /// The flags of a setting, from the catalogue: the long name first, then its aliases.
  static func setting(_ key: String) -> NameSpecification {
    let setting = catalogued(key)
    return NameSpecification(([setting.longName] + setting.aliases).map { .customLong($0) })
  }
}

extension ArgumentHelp {
  /// The help of a setting, from the catalogue: why, allowed values, default.
  static func setting(_ key: String) -> ArgumentHelp {
    let setting = catalogued(key)
    let why = setting.why.prefix(1).uppercased() + setting.why.dropFirst()
    let standard = setting.defaultTexts.joined(separator: ", ")
    let note = setting.domain.allowed + (standard.isEmpty ? "" : "; default: \(standard)")
    return ArgumentHelp("\(why). (\(note))", valueName: setting.valueName)
  }
}

extension Setting {
  /// The placeholder shown in usage.
  fileprivate var valueName: String {
    switch domain {
    case .path: key == "model" ? "directory" : "path"
    case .json: "json"
    case .text, .textList: "text"
    case .choice: "choice"
    case .boolean: "bool"
    case .integer, .integerList, .number: unit.isEmpty ? "number" : unit
    }
  }
}

private func catalogued(_ key: String) -> Setting {
  guard let setting = SettingsCatalogue.setting(key) else {
    preconditionFailure("no setting '\(key)' in the catalogue")
  }
  return setting
}
