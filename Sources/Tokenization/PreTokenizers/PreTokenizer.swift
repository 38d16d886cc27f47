/// One step of cutting a normalised text into the pieces that the model sees.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case split(TextPattern, SplitBehavior, inverted: Bool)
  case byteLevel(ByteLevel)
  case metaspace(Metaspace)
  case digits(SplitBehavior)
  case punctuation(SplitBehavior)
  case whitespace
  case whitespaceSplit
  case delimiter(UInt32)
  case bert
  case unicodeScripts
  case fixedLength(Int)

  struct ByteLevel: Sendable {
    var addsPrefixSpace: Bool
    /// The pattern of GPT-2, unless the text is not to be cut.
    var pattern: TextPattern?
    /// Whether bytes are written as characters; not when the model reads raw bytes.
    var mapsBytes = true
  }

  struct Metaspace: Sendable {
    enum Prepending: String, Sendable {
      case first, never, always
    }

    var replacement: [UInt8]
    var prepending: Prepending
    var splits: Bool
  }

  func apply(to pieces: inout Pieces) {
    switch self {
    case .sequence(let steps):
      for step in steps { step.apply(to: &pieces) }
    case .split(let pattern, let behavior, let inverted):
      pieces.split(pattern, behavior, inverted: inverted)
    case .byteLevel(let options): Self.byteLevel(options, &pieces)
    case .metaspace(let options): Self.metaspace(options, &pieces)
    case .digits(let behavior): pieces.split(behavior) { ScalarClass.isNumeric($0) }
    case .punctuation(let behavior): pieces.split(behavior) { ScalarClass.isPunctuation($0) }
    case .whitespace:
      pieces.keepRuns { ScalarClass.isWhitespace($0) ? 0 : ScalarClass.isWord($0) ? 1 : 2 }
    case .whitespaceSplit: pieces.keepRuns { ScalarClass.isWhitespace($0) ? 0 : 1 }
    case .delimiter(let delimiter): pieces.split(.removed) { $0 == delimiter }
    case .bert:
      pieces.keepRuns { ScalarClass.isWhitespace($0) ? 0 : 1 }
      pieces.split(.isolated) { ScalarClass.isPunctuation($0) }
    case .unicodeScripts: Self.unicodeScripts(&pieces)
    case .fixedLength(let length): Self.fixedLength(length, &pieces)
    }
  }

  private static func byteLevel(_ options: ByteLevel, _ pieces: inout Pieces) {
    let text = pieces.text
    if options.addsPrefixSpace, pieces.pieces.contains(where: { text[$0.start] != 0x20 }) {
      pieces.rewrite { text, piece, result in
        let addsSpace = text[piece.start] != 0x20
        if addsSpace { result.append(0x20) }
        result.append(contentsOf: text[piece.start..<piece.end])
        return piece.leadingCount + (addsSpace && piece.leadingCount > 0 ? 1 : 0)
      }
    }
    if let pattern = options.pattern { pieces.split(pattern, .isolated) }
    if options.mapsBytes {
      pieces.rewrite { text, piece, result in
        let start = result.count
        ByteAlphabet.encode(text[piece.start..<(piece.start + piece.leadingCount)], to: &result)
        let leading = result.count - start
        ByteAlphabet.encode(text[(piece.start + piece.leadingCount)..<piece.end], to: &result)
        return leading
      }
    }
  }

  private static func metaspace(_ options: Metaspace, _ pieces: inout Pieces) {
    let mark = options.replacement
    pieces.rewrite { text, piece, result in
      let start = result.count
      let startsWithMark = text[piece.start] == 0x20 || text[piece.start..<piece.end].starts(with: mark)
      let prepends =
        switch options.prepending {
        case .never: false
        case .always: !startsWithMark
        case .first: !startsWithMark && piece.leadingCount > 0
        }
      if prepends { result.append(contentsOf: mark) }
      var leading = prepends && piece.leadingCount > 0 ? mark.count : 0
      for index in piece.start..<piece.end {
        if text[index] == 0x20 { result.append(contentsOf: mark) } else { result.append(text[index]) }
        if index - piece.start < piece.leadingCount { leading = result.count - start }
      }
      return leading
    }
    guard options.splits else { return }
    let text = pieces.text
    var result: [Pieces.Piece] = []
    result.reserveCapacity(pieces.pieces.count + text.count / 4)
    for piece in pieces.pieces {
      var start = piece.start
      var index = piece.start
      while index < piece.end {
        if text[index] == mark[0], index > start, text[index..<piece.end].starts(with: mark) {
          piece.appendPart(start, index, to: &result)
          start = index
        }
        index += 1
      }
      piece.appendPart(start, piece.end, to: &result)
    }
    pieces.pieces = result
  }

  /// Cuts where the script changes; as in the reference, what comes before the first scalar with a script is lost.
  private static func unicodeScripts(_ pieces: inout Pieces) {
    let text = pieces.text
    let bytes = text.span
    var result: [Pieces.Piece] = []
    for piece in pieces.pieces {
      var last: UInt8 = 0
      var start = -1
      var index = piece.start
      while index < piece.end {
        let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
        let script = UnicodeScripts.table[scalar]
        if script != 0, script != last {
          if start >= 0 { piece.appendPart(start, index, to: &result) }
          start = index
          last = script
        }
        index += length
      }
      if start >= 0 { piece.appendPart(start, piece.end, to: &result) }
    }
    pieces.pieces = result
  }

  private static func fixedLength(_ length: Int, _ pieces: inout Pieces) {
    let text = pieces.text
    var result: [Pieces.Piece] = []
    for piece in pieces.pieces {
      var start = piece.start
      var index = piece.start
      var count = 0
      while index < piece.end {
        index += UTF8Scalars.length(lead: text[index])
        count += 1
        if count == length {
          piece.appendPart(start, index, to: &result)
          start = index
          count = 0
        }
      }
      piece.appendPart(start, piece.end, to: &result)
    }
    pieces.pieces = result
  }
}

/// The script of every scalar as `UnicodeScripts` tells them apart; zero goes with any.
enum UnicodeScripts {
  static let table = ScalarTable<UInt8>(runs: UnicodeData.scripts)
}
