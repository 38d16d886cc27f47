internal import ArgumentParser
internal import Settings

/// Numbers that are options of one command, and no settings.
extension ParsableArguments {
  /// - Throws: which of them is out of its range, with the range.
  func require(_ options: [(name: String, value: Int, range: ClosedRange<Int>)]) throws {
    for (name, value, range) in options where !range.contains(value) {
      throw SettingsError("\(name) cannot be \(value); give \(range.lowerBound) to \(range.upperBound).")
    }
  }

  /// One that was taken as text, so that whatever stands there gets the same kind of sentence.
  func integer(_ flag: String, _ text: String, _ range: ClosedRange<Int>) throws -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw SettingsError(
        "\(flag) cannot be '\(text)'; give a number in the range \(range.lowerBound) to \(range.upperBound).")
    }
    return number
  }
}
