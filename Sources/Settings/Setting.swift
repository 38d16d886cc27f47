/// One thing a user can set: its names, bounds, unit and reason, and how to read and write it.
package struct Setting: Sendable {
  /// The key in a YAML file, snake_case; the long flag is the same with dashes.
  package let key: String
  /// Further long flags, without dashes in front.
  package let aliases: [String]
  package let group: SettingGroup
  package let domain: SettingDomain
  /// The unit of the value; empty where it has none.
  package let unit: String
  /// Why one would change it, one line without a full stop.
  package let why: String

  let write: @Sendable (inout EngineSettings, [String]) throws(SettingsError) -> Void
  let read: @Sendable (EngineSettings) -> [String]

  /// The long flag as typed.
  package var flag: String { "--" + longName }

  /// The long flag without the dashes.
  package var longName: String { key.replacing("_", with: "-") }

  /// The values that settings as they come hold; empty means unset.
  package var defaultTexts: [String] { read(EngineSettings()) }

  /// Sets the value from the texts of a flag or a YAML node, several only for a list.
  ///
  /// Throws: `SettingsError` naming the flag, the offending value and the allowed range.
  package func apply(_ texts: [String], to settings: inout EngineSettings) throws(SettingsError) {
    if texts.count != 1 && !domain.isList {
      throw SettingsError("\(flag) takes one value but was given \(texts.count); give it once.")
    }
    try write(&settings, texts)
  }

  /// The value in `settings` as texts, in the form that `apply` takes.
  package func texts(in settings: EngineSettings) -> [String] { read(settings) }
}

/// The part of the command line a setting belongs to; one option group of the command line each.
package enum SettingGroup: String, Sendable, CaseIterable {
  case model, mesh, scheduler, sampling, launch, output
}

/// The values a setting may have.
package enum SettingDomain: Sendable, Equatable {
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case boolean
  case choice([String])
  case text
  case path
  /// A JSON object.
  case json
  case textList
  case integerList(ClosedRange<Int>)

  package var isList: Bool {
    switch self {
    case .textList, .integerList: true
    default: false
    }
  }

  /// The allowed values in words, for help, errors and `configs/base.yaml`.
  package var allowed: String {
    switch self {
    case .integer(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .number(let range): "\(shortest(range.lowerBound)) to \(shortest(range.upperBound))"
    case .boolean: "true or false"
    case .choice(let names): names.joined(separator: ", ")
    case .text: "text"
    case .path: "a path"
    case .json: "a JSON object"
    case .textList: "texts"
    case .integerList(let range): "integers, \(range.lowerBound) to \(range.upperBound) each"
    }
  }
}

/// A setting that cannot be taken: one sentence with the offending value, the allowed range and what to do.
package struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// A number without a needless `.0`.
func shortest(_ number: Double) -> String {
  if let integer = Int(exactly: number) { return "\(integer)" }
  return "\(number)"
}

/// Where in `EngineSettings` a value stands.
typealias Place<Value> = any WritableKeyPath<EngineSettings, Value> & Sendable
