/// Breaks a line into shorter ones at whitespace and after hyphens, as Python's `textwrap.wrap` does.
struct WordWrapper {
  var width = 79
  var breaksLongWords = true
  var breaksAtHyphens = true

  func lines(of text: TemplateText) -> [TemplateText] {
    var chunks = chunks(text.scalars)[...]
    var lines: [TemplateText] = []
    while !chunks.isEmpty {
      var line: [[Unicode.Scalar]] = []
      var length = 0
      if !lines.isEmpty, let first = chunks.first, first.allSatisfy(isSpace) { chunks.removeFirst() }
      while let next = chunks.first, length + next.count <= width {
        line.append(next)
        length += next.count
        chunks.removeFirst()
      }
      if let next = chunks.first, next.count > width {
        if breaksLongWords {
          // Without room an empty piece is added, which keeps the space before it from being dropped.
          let room = width - length
          let cut = cutPosition(next, room)
          line.append(Array(next[..<cut]))
          chunks[chunks.startIndex] = Array(next[cut...])
        } else if line.isEmpty {
          line.append(next)
          chunks.removeFirst()
        }
      }
      if let last = line.last, last.allSatisfy(isSpace) { line.removeLast() }
      if !line.isEmpty { lines.append(TemplateText(scalars: line.joined())) }
    }
    return lines
  }

  /// Where a long word is cut: after its last hyphen that fits, if it has one.
  private func cutPosition(_ word: [Unicode.Scalar], _ room: Int) -> Int {
    guard breaksAtHyphens, word.count > room else { return room }
    guard let hyphen = word[..<room].lastIndex(of: "-"), hyphen > 0,
      word[..<hyphen].contains(where: { $0 != "-" })
    else { return room }
    return hyphen + 1
  }

  private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case " ", "\t", "\n", "\r", "\u{0B}", "\u{0C}": true
    default: false
    }
  }

  /// Words and runs of whitespace; words are cut after a hyphen between letters.
  private func chunks(_ scalars: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var result: [[Unicode.Scalar]] = []
    var index = 0
    while index < scalars.count {
      var end = index
      let inSpace = isSpace(scalars[index])
      while end < scalars.count, isSpace(scalars[end]) == inSpace { end += 1 }
      let run = Array(scalars[index..<end])
      result += inSpace || !breaksAtHyphens ? [run] : hyphenated(run)
      index = end
    }
    return result
  }

  private func hyphenated(_ word: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var result: [[Unicode.Scalar]] = []
    var start = 0
    for index in word.indices where word[index] == "-" && index > start {
      let isLetterBefore = isLetter(word[index - 1])
      let hasTwoBefore = index >= start + 2 && (isLetter(word[index - 2]) || word[index - 2] == "-")
      let hasTwoAfter =
        index + 2 < word.count && isLetter(word[index + 1])
        && (isLetter(word[index + 2]) || word[index + 2] == "-")
      if isLetterBefore, hasTwoBefore, hasTwoAfter {
        result.append(Array(word[start...index]))
        start = index + 1
      }
    }
    if start < word.count { result.append(Array(word[start...])) }
    return result
  }

  private func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isWordCharacter && !scalar.isPythonDecimal
  }
}
