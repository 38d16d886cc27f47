import Parsing

/// The `truncation` of a tokenizer file.
struct TruncationRule: Sendable {
  let maximum: Int
  private let stride: Int
  private let keepsEnd: Bool
  private let strategy: String

  /// - Returns: nil for null.
  init?(_ json: JSONValue?) throws(TokenizerError) {
    guard let json, !json.isNull else { return nil }
    guard let maximum = json["max_length"]?.int, maximum >= 0, let stride = json["stride"]?.int, stride >= 0,
      let strategy = json["strategy"]?.string, ["LongestFirst", "OnlyFirst", "OnlySecond"].contains(strategy)
    else {
      throw TokenizerError(
        "\"truncation\" needs max_length, stride and a strategy (LongestFirst, OnlyFirst, OnlySecond)")
    }
    self.maximum = maximum
    self.stride = stride
    self.strategy = strategy
    keepsEnd = json["direction"]?.string == "Left"
  }

  /// - Parameter addedCount: special tokens that will be added.
  func apply(to ids: [Int32], addedCount: Int) throws(TokenizerError) -> [Int32] {
    let limit = maximum - addedCount
    if limit < 0 || ids.count <= limit { return ids }
    if limit == 0 { return [] }
    guard strategy != "OnlySecond" else {
      throw TokenizerError(
        "the text has \(ids.count) tokens, but \"truncation\" of \(limit) applies to a second text only")
    }
    guard stride < limit else {
      throw TokenizerError("the stride \(stride) of \"truncation\" must be less than its length \(limit)")
    }
    return Array(keepsEnd ? ids.suffix(limit) : ids.prefix(limit))
  }
}

/// The `padding` of a tokenizer file, for one text.
struct PaddingRule: Sendable {
  private let fixed: Int?
  private let multiple: Int
  private let id: Int32
  private let isLeft: Bool

  private static let largest = 1 << 24

  init?(_ json: JSONValue?) throws(TokenizerError) {
    guard let json, !json.isNull else { return nil }
    fixed = json["strategy"]?["Fixed"]?.int
    guard fixed.map({ (0...Self.largest).contains($0) }) ?? (json["strategy"]?.string == "BatchLongest")
    else {
      throw TokenizerError("the strategy of \"padding\" must be BatchLongest or {\"Fixed\": length}")
    }
    multiple = json["pad_to_multiple_of"]?.int ?? 0
    guard let id = json["pad_id"]?.int.flatMap(Int32.init(exactly:)), id >= 0,
      (0...Self.largest).contains(multiple)
    else {
      throw TokenizerError("\"padding\" needs a pad_id, and pad_to_multiple_of within 0...\(Self.largest)")
    }
    self.id = id
    isLeft = json["direction"]?.string == "Left"
  }

  func apply(to ids: [Int32]) -> [Int32] {
    var length = fixed ?? ids.count
    if multiple > 0, length % multiple > 0 { length += multiple - length % multiple }
    guard length > ids.count else { return ids }
    let padding = [Int32](repeating: id, count: length - ids.count)
    return isLeft ? padding + ids : ids + padding
  }
}
