/// The id of one vocabulary entry; ids of a valid model are never negative.
package struct TokenID: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable,
  ExpressibleByIntegerLiteral, CustomStringConvertible
{
  package var rawValue: Int32

  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  package init(_ value: Int) {
    self.rawValue = Int32(value)
  }

  package init(integerLiteral value: Int32) {
    self.rawValue = value
  }

  /// The id as an `Int`, for tables.
  package var index: Int { Int(rawValue) }

  package var description: String { "\(rawValue)" }

  package static func < (a: TokenID, b: TokenID) -> Bool { a.rawValue < b.rawValue }
}

/// One sequence of one run: a request with `n` completions has n of them. Never reused within a run.
package struct SequenceID: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable,
  CustomStringConvertible
{
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  package var description: String { "sequence \(rawValue)" }

  package static func < (a: SequenceID, b: SequenceID) -> Bool { a.rawValue < b.rawValue }
}

/// A membership period: it rises whenever a rank is lost or replaced, and frames of another epoch are dropped.
package struct Epoch: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable,
  CustomStringConvertible
{
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The epoch after this one.
  package var next: Epoch { Epoch(rawValue: rawValue + 1) }

  package var description: String { "epoch \(rawValue)" }

  package static func < (a: Epoch, b: Epoch) -> Bool { a.rawValue < b.rawValue }
}

/// One forward pass of a replica. Numbers rise for the whole run and are not reset by a new epoch.
package struct StepNumber: RawRepresentable, Sendable, Hashable, Comparable, BitwiseCopyable,
  CustomStringConvertible
{
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// The step after this one.
  package var next: StepNumber { StepNumber(rawValue: rawValue + 1) }

  package var description: String { "step \(rawValue)" }

  package static func < (a: StepNumber, b: StepNumber) -> Bool { a.rawValue < b.rawValue }
}
