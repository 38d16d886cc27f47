/// A text and the pieces into which it has been cut so far.
struct Pieces {
  struct Piece: BitwiseCopyable {
    var start: Int
    var end: Int
    /// How many of its first bytes come from the very first character of the original text; see `NormalizedText`.
    var leadingCount: Int
  }

  var text: [UInt8]
  var pieces: [Piece]

  init(_ text: NormalizedText) {
    self.text = text.bytes
    pieces =
      text.bytes.isEmpty ? [] : [Piece(start: 0, end: text.bytes.count, leadingCount: text.leadingCount)]
  }

  /// Cuts every piece at the matches of a pattern.
  mutating func split(_ pattern: TextPattern, _ behavior: SplitBehavior, inverted: Bool = false) {
    let subject = pattern.subject(for: text)
    var result: [Piece] = []
    result.reserveCapacity(max(pieces.count, text.count / 4))
    var bounds: [Int] = []
    var segments: [Segment] = []
    for piece in pieces {
      bounds.removeAll(keepingCapacity: true)
      pattern.appendMatches(in: subject, range: piece.start..<piece.end, to: &bounds)
      segments.removeAll(keepingCapacity: true)
      var last = piece.start
      for index in stride(from: 0, to: bounds.count, by: 2) {
        if last != bounds[index] {
          segments.append(Segment(start: last, end: bounds[index], isMatch: inverted))
        }
        segments.append(Segment(start: bounds[index], end: bounds[index + 1], isMatch: !inverted))
        last = bounds[index + 1]
      }
      if last != piece.end { segments.append(Segment(start: last, end: piece.end, isMatch: inverted)) }
      behavior.append(segments, of: piece, to: &result)
    }
    pieces = result
  }

  /// Cuts every piece at the scalars that belong to a set; each of them is one match.
  mutating func split(_ behavior: SplitBehavior, at isMatch: (UInt32) -> Bool) {
    let source = text
    let bytes = source.span
    var result: [Piece] = []
    result.reserveCapacity(pieces.count)
    var segments: [Segment] = []
    for piece in pieces {
      segments.removeAll(keepingCapacity: true)
      var last = piece.start
      var index = piece.start
      while index < piece.end {
        let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
        if isMatch(scalar) {
          if last < index { segments.append(Segment(start: last, end: index, isMatch: false)) }
          segments.append(Segment(start: index, end: index + length, isMatch: true))
          last = index + length
        }
        index += length
      }
      if last < piece.end { segments.append(Segment(start: last, end: piece.end, isMatch: false)) }
      behavior.append(segments, of: piece, to: &result)
    }
    pieces = result
  }

  /// Keeps the runs of scalars of one class; class zero is dropped.
  mutating func keepRuns(of classify: (UInt32) -> Int) {
    let source = text
    let bytes = source.span
    var result: [Piece] = []
    for piece in pieces {
      var start = piece.start
      var current = 0
      var index = piece.start
      while index < piece.end {
        let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
        let next = classify(scalar)
        if next != current {
          if current != 0 { piece.appendPart(start, index, to: &result) }
          start = index
          current = next
        }
        index += length
      }
      if current != 0 { piece.appendPart(start, piece.end, to: &result) }
    }
    pieces = result
  }

  /// Rewrites every piece; the closure appends the new text of one and returns its new leading count.
  mutating func rewrite(_ body: (_ text: [UInt8], _ piece: Piece, _ result: inout [UInt8]) -> Int) {
    var result: [UInt8] = []
    result.reserveCapacity(text.count + text.count / 4 + 8)
    for index in pieces.indices {
      let start = result.count
      let leading = body(text, pieces[index], &result)
      pieces[index] = Piece(start: start, end: result.count, leadingCount: leading)
    }
    text = result
  }
}

extension Pieces.Piece {
  /// Appends a part of this piece unless it is empty.
  @inline(__always)
  func appendPart(_ partStart: Int, _ partEnd: Int, to result: inout [Pieces.Piece]) {
    if partStart >= partEnd { return }
    let leading = min(max(0, start + leadingCount - partStart), partEnd - partStart)
    result.append(Pieces.Piece(start: partStart, end: partEnd, leadingCount: leading))
  }
}

/// A stretch of text that a pattern matched, or one between matches.
struct Segment: BitwiseCopyable {
  var start: Int
  var end: Int
  var isMatch: Bool
}
