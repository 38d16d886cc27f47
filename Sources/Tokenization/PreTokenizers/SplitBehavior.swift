/// What becomes of the matches when a text is cut at them.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// Appends the pieces that the segments of one piece make; empty ones are left out.
  func append(_ segments: [Segment], of piece: Pieces.Piece, to result: inout [Pieces.Piece]) {
    switch self {
    case .isolated:
      for segment in segments { piece.appendPart(segment.start, segment.end, to: &result) }
    case .removed:
      for segment in segments where !segment.isMatch {
        piece.appendPart(segment.start, segment.end, to: &result)
      }
    case .mergedWithPrevious:
      join(segments, of: piece, to: &result) { isMatch, previous in isMatch && !previous }
    case .contiguous:
      join(segments, of: piece, to: &result) { isMatch, previous in isMatch == previous }
    case .mergedWithNext:
      mergeWithNext(segments, of: piece, to: &result)
    }
  }

  /// Joins a segment to the part before it where the rule says so.
  private func join(
    _ segments: [Segment], of piece: Pieces.Piece, to result: inout [Pieces.Piece],
    _ joins: (_ isMatch: Bool, _ previousIsMatch: Bool) -> Bool
  ) {
    guard var start = segments.first?.start, var end = segments.first?.end else { return }
    var previous = segments[0].isMatch
    for segment in segments.dropFirst() {
      if joins(segment.isMatch, previous) {
        end = segment.end
      } else {
        piece.appendPart(start, end, to: &result)
        start = segment.start
        end = segment.end
      }
      previous = segment.isMatch
    }
    piece.appendPart(start, end, to: &result)
  }

  private func mergeWithNext(_ segments: [Segment], of piece: Pieces.Piece, to result: inout [Pieces.Piece]) {
    var parts: [Segment] = []
    var previous = false
    for segment in segments.reversed() {
      if segment.isMatch, !previous, !parts.isEmpty {
        parts[parts.count - 1].start = segment.start
      } else {
        parts.append(segment)
      }
      previous = segment.isMatch
    }
    for part in parts.reversed() { piece.appendPart(part.start, part.end, to: &result) }
  }
}
