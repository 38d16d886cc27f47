/// Makers of settings: each binds a key to a place in `EngineSettings` and carries the parsing of its kind.
extension Setting {
  static func integer(
    _ key: String, _ path: Place<Int>, _ range: ClosedRange<Int>,
    _ group: SettingGroup, aliases: [String] = [], unit: String = "", zeroName: String? = nil, why: String
  ) -> Setting {
    make(key, aliases, group, .integer(range), unit, why) { settings, texts throws(SettingsError) in
      settings[keyPath: path] = texts[0] == zeroName ? 0 : try parseInteger(texts[0], range, key)
    } read: {
      ["\($0[keyPath: path])"]
    }
  }

  static func optionalInteger(
    _ key: String, _ path: Place<Int?>, _ range: ClosedRange<Int>,
    _ group: SettingGroup, aliases: [String] = [], unit: String = "", why: String
  ) -> Setting {
    make(key, aliases, group, .integer(range), unit, why) { settings, texts throws(SettingsError) in
      settings[keyPath: path] = try parseInteger(texts[0], range, key)
    } read: { settings in
      settings[keyPath: path].map { ["\($0)"] } ?? []
    }
  }

  static func number(
    _ key: String, _ path: Place<Double>, _ range: ClosedRange<Double>,
    _ group: SettingGroup, aliases: [String] = [], unit: String = "", why: String
  ) -> Setting {
    make(key, aliases, group, .number(range), unit, why) { settings, texts throws(SettingsError) in
      guard let number = Double(texts[0]), range.contains(number) else {
        throw refusal(key, texts[0], .number(range))
      }
      settings[keyPath: path] = number
    } read: {
      [shortest($0[keyPath: path])]
    }
  }

  static func boolean(
    _ key: String, _ path: Place<Bool>, _ group: SettingGroup,
    why: String
  ) -> Setting {
    make(key, [], group, .boolean, "", why) { settings, texts throws(SettingsError) in
      switch texts[0].lowercased() {
      case "true", "yes", "on": settings[keyPath: path] = true
      case "false", "no", "off": settings[keyPath: path] = false
      default: throw refusal(key, texts[0], .boolean)
      }
    } read: {
      ["\($0[keyPath: path])"]
    }
  }

  static func choice<Choice: RawRepresentable & CaseIterable & Sendable>(
    _ key: String, _ path: Place<Choice>, _ group: SettingGroup,
    aliases: [String] = [], why: String
  ) -> Setting where Choice.RawValue == String {
    let domain = SettingDomain.choice(Choice.allCases.map(\.rawValue))
    return make(key, aliases, group, domain, "", why) { settings, texts throws(SettingsError) in
      guard let choice = Choice(rawValue: texts[0]) else { throw refusal(key, texts[0], domain) }
      settings[keyPath: path] = choice
    } read: {
      [$0[keyPath: path].rawValue]
    }
  }

  static func text(
    _ key: String, _ path: Place<String>, _ domain: SettingDomain,
    _ group: SettingGroup, why: String
  ) -> Setting {
    make(key, [], group, domain, "", why) { settings, texts throws(SettingsError) in
      if domain == .json && texts[0].first(where: { !$0.isWhitespace }) != "{" {
        throw refusal(key, texts[0], domain)
      }
      settings[keyPath: path] = texts[0]
    } read: {
      $0[keyPath: path].isEmpty ? [] : [$0[keyPath: path]]
    }
  }

  static func textList(
    _ key: String, _ path: Place<[String]>, _ group: SettingGroup,
    why: String
  ) -> Setting {
    make(key, [], group, .textList, "", why) { settings, texts throws(SettingsError) in
      if texts.contains("") {
        throw SettingsError(
          "--\(key.replacing("_", with: "-")) was given an empty text; leave it out instead.")
      }
      settings[keyPath: path] = texts
    } read: {
      $0[keyPath: path]
    }
  }

  static func integerList(
    _ key: String, _ path: Place<[Int]>, _ range: ClosedRange<Int>,
    _ group: SettingGroup, why: String
  ) -> Setting {
    make(key, [], group, .integerList(range), "", why) { settings, texts throws(SettingsError) in
      var integers: [Int] = []
      for text in texts { integers.append(try parseInteger(text, range, key)) }
      settings[keyPath: path] = integers
    } read: {
      $0[keyPath: path].map { "\($0)" }
    }
  }

  private static func make(
    _ key: String, _ aliases: [String], _ group: SettingGroup, _ domain: SettingDomain, _ unit: String,
    _ why: String, write: @escaping @Sendable (inout EngineSettings, [String]) throws(SettingsError) -> Void,
    read: @escaping @Sendable (EngineSettings) -> [String]
  ) -> Setting {
    Setting(
      key: key, aliases: aliases, group: group, domain: domain, unit: unit, why: why, write: write, read: read
    )
  }
}

private func parseInteger(
  _ text: String, _ range: ClosedRange<Int>, _ key: String
) throws(SettingsError) -> Int {
  guard let integer = Int(text), range.contains(integer) else { throw refusal(key, text, .integer(range)) }
  return integer
}

private func refusal(_ key: String, _ text: String, _ domain: SettingDomain) -> SettingsError {
  let shown = text.count > 60 ? String(text.prefix(60)) + "..." : text
  let flag = "--" + key.replacing("_", with: "-")
  switch domain {
  case .choice(let names):
    let hint = nearest(to: text, among: names).map { ", for instance \($0)" } ?? ""
    return SettingsError("\(flag) cannot be '\(shown)'; choose one of \(domain.allowed)\(hint).")
  case .integer, .number, .integerList:
    return SettingsError("\(flag) cannot be '\(shown)'; give a number in the range \(domain.allowed).")
  default:
    return SettingsError("\(flag) cannot be '\(shown)'; give \(domain.allowed).")
  }
}
