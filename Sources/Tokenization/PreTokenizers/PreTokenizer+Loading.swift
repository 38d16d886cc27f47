import Parsing

extension PreTokenizer {
  /// The pattern with which GPT-2 cuts texts.
  private static let gpt2Pattern: JSONValue = [
    "Regex": #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  ]

  init(_ json: JSONValue) throws(TokenizerError) {
    let part = try PipelinePart(json, kind: "pre-tokenizer")
    switch part.type {
    case "Sequence":
      var steps: [PreTokenizer] = []
      for element in try part.array("pretokenizers") { steps.append(try PreTokenizer(element)) }
      self = .sequence(steps)
    case "Split":
      self = .split(
        try TextPattern(part["pattern"], place: part.name), try Self.behavior(part),
        inverted: try part.bool("invert"))
    case "ByteLevel":
      let pattern =
        try part.bool("use_regex", default: true)
        ? try TextPattern(Self.gpt2Pattern, place: part.name) : nil
      self = .byteLevel(ByteLevel(addsPrefixSpace: try part.bool("add_prefix_space"), pattern: pattern))
    case "Metaspace": self = .metaspace(try Metaspace(part))
    case "Digits": self = .digits(try part.bool("individual_digits") ? .isolated : .contiguous)
    case "Punctuation":
      self = .punctuation(part["behavior"] == nil ? .isolated : try Self.behavior(part))
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    case "CharDelimiterSplit": self = .delimiter(try part.scalar("delimiter"))
    case "BertPreTokenizer": self = .bert
    case "UnicodeScripts": self = .unicodeScripts
    case "FixedLength":
      let length = try part.count("length", default: 5)
      guard length > 0 else { throw part.missing("length", "greater than zero") }
      self = .fixedLength(length)
    default: throw part.unsupported
    }
  }

  private static func behavior(_ part: PipelinePart) throws(TokenizerError) -> SplitBehavior {
    guard let behavior = SplitBehavior(rawValue: try part.string("behavior")) else {
      throw part.missing("behavior", "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
    }
    return behavior
  }

  /// True if the last step writes bytes as characters.
  var endsInByteLevel: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let steps): steps.last?.endsInByteLevel ?? false
    default: false
    }
  }

  /// The same with the last step leaving bytes as they are.
  var leavingBytes: PreTokenizer {
    switch self {
    case .byteLevel(var options):
      options.mapsBytes = false
      return .byteLevel(options)
    case .sequence(let steps):
      guard let last = steps.last else { return self }
      return .sequence(steps.dropLast() + [last.leavingBytes])
    default: return self
    }
  }
}

extension PreTokenizer.Metaspace {
  init(_ part: PipelinePart) throws(TokenizerError) {
    var scheme = Prepending.always
    if part["prepend_scheme"] != nil {
      guard let named = Prepending(rawValue: try part.string("prepend_scheme")) else {
        throw part.missing("prepend_scheme", "first, never or always")
      }
      scheme = named
      if part["add_prefix_space"]?.bool == false, scheme != .never {
        throw TokenizerError("\(part.name) has add_prefix_space false, but the prepend_scheme \(scheme)")
      }
    } else if part["add_prefix_space"]?.bool == false {
      scheme = .never
    }
    var mark: [UInt8] = []
    UTF8Scalars.append(try part.scalar("replacement"), to: &mark)
    self.init(replacement: mark, prepending: scheme, splits: try part.bool("split", default: true))
  }
}
