/// Splits a template into tokens: text outside of tags, and words inside.
///
/// The rules are those of Jinja with `trim_blocks` and `lstrip_blocks` on and `keep_trailing_newline` off: the first
/// newline after a block or comment goes, whitespace before one on its own line goes, `-` strips more and `+` nothing.
struct TemplateLexer {
  private enum Tag { case variable, block, comment, raw }

  private let source: [UInt8]
  private var position = 0
  private var line = 1
  private var lineStarting = true
  private var tokens: [TemplateToken] = []

  private init(_ source: [UInt8]) { self.source = source }

  static func tokens(of text: String) throws(TemplateError) -> [TemplateToken] {
    var lexer = TemplateLexer(normalised(Array(text.utf8)))
    try lexer.run()
    return lexer.tokens
  }

  /// Every line end becomes one newline; a last one goes.
  private static func normalised(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x0D {
        result.append(0x0A)
        if index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
      } else {
        result.append(bytes[index])
      }
      index += 1
    }
    if result.last == 0x0A { result.removeLast() }
    return result
  }

  private mutating func run() throws(TemplateError) {
    while let (start, tag, sign, afterOpening) = nextTag() {
      appendText(TemplateText(source[position..<start]), sign: sign, strips: tag != .variable)
      position = afterOpening
      switch tag {
      case .comment: try skipComment()
      case .raw:
        countLines(TemplateText(source[start..<afterOpening]))
        try readRaw()
      case .variable: try readTag(.variableBegin, .variableEnd)
      case .block: try readTag(.blockBegin, .blockEnd)
      }
    }
    let rest = TemplateText(source[position...])
    if !rest.isEmpty { emit(.data, rest.string) }
    countLines(rest)
    emit(.end, "")
  }

  private mutating func emit(_ kind: TemplateToken.Kind, _ text: String) {
    tokens.append(TemplateToken(kind: kind, text: text, line: line))
  }

  private mutating func countLines(_ text: TemplateText) {
    for byte in text.utf8 where byte == 0x0A { line += 1 }
  }

  private mutating func advance(to end: Int) {
    for byte in source[position..<end] where byte == 0x0A { line += 1 }
    lineStarting = end > position && source[end - 1] == 0x0A
    position = end
  }

  /// Where the next tag opens, of what kind it is, its whitespace sign, and where its inside starts.
  private func nextTag() -> (Int, Tag, UInt8?, Int)? {
    var index = position
    while index + 1 < source.count {
      guard source[index] == UInt8(ascii: "{") else {
        index += 1
        continue
      }
      let tag: Tag
      switch source[index + 1] {
      case UInt8(ascii: "{"): tag = .variable
      case UInt8(ascii: "%"): tag = .block
      case UInt8(ascii: "#"): tag = .comment
      default:
        index += 1
        continue
      }
      var inside = index + 2
      var sign: UInt8?
      if inside < source.count, source[inside] == UInt8(ascii: "-") || source[inside] == UInt8(ascii: "+") {
        sign = source[inside]
        inside += 1
      }
      if tag == .block, let rawEnd = rawOpening(at: inside) { return (index, .raw, sign, rawEnd) }
      return (index, tag, sign, inside)
    }
    return nil
  }

  /// The end of `raw %}` at `start`, if that is what stands there.
  private func rawOpening(at start: Int) -> Int? {
    guard let afterWord = word("raw", at: start) else { return nil }
    if matches("-%}", at: afterWord) { return skipSpaces(from: afterWord + 3) }
    return matches("%}", at: afterWord) ? afterWord + 2 : nil
  }

  /// The place after `word` and the whitespace around it.
  private func word(_ word: StaticString, at start: Int) -> Int? {
    let begin = skipSpaces(from: start)
    guard matches(word, at: begin) else { return nil }
    return skipSpaces(from: begin + word.utf8CodeUnitCount)
  }

  private func matches(_ text: StaticString, at start: Int) -> Bool {
    source[min(start, source.count)...].starts(with: "\(text)".utf8)
  }

  private func skipSpaces(from start: Int) -> Int {
    var index = start
    while index < source.count {
      var next = index
      guard source.scalar(at: &next).isPythonSpace else { break }
      index = next
    }
    return index
  }

  /// Text before a tag, stripped as the sign of the tag and `lstrip_blocks` say.
  private mutating func appendText(_ text: TemplateText, sign: UInt8?, strips: Bool) {
    var kept = text
    if sign == UInt8(ascii: "-") {
      kept = text.strippedWhitespace(left: false)
    } else if sign == nil, strips {
      let lineStart = text.utf8.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      let tail = TemplateText(text.utf8[lineStart...])
      if lineStart > 0 || lineStarting, tail.allScalars({ $0.isPythonSpace }) {
        kept = TemplateText(text.utf8[..<lineStart])
      }
    }
    if !kept.isEmpty { emit(.data, kept.string) }
    countLines(text)
    lineStarting = false
  }

  /// The place after a closing tag at `start` (`-` strips what follows, `+` nothing, else one newline goes).
  private func closing(_ mark: StaticString, at start: Int) -> Int? {
    let width = mark.utf8CodeUnitCount
    guard start < source.count else { return nil }
    switch source[start] {
    case UInt8(ascii: "+"): return matches(mark, at: start + 1) ? start + 1 + width : nil
    case UInt8(ascii: "-"): return matches(mark, at: start + 1) ? skipSpaces(from: start + 1 + width) : nil
    default:
      guard matches(mark, at: start) else { return nil }
      let end = start + width
      return end < source.count && source[end] == 0x0A ? end + 1 : end
    }
  }

  private mutating func skipComment() throws(TemplateError) {
    for index in position..<source.count {
      guard let end = closing("#}", at: index) else { continue }
      advance(to: end)
      return
    }
    throw TemplateError(.syntax, "a comment is not closed by #}", line: line)
  }

  private mutating func readRaw() throws(TemplateError) {
    for index in position..<source.count where matches("{%", at: index) {
      var inside = index + 2
      var sign: UInt8?
      if inside < source.count, source[inside] == UInt8(ascii: "-") || source[inside] == UInt8(ascii: "+") {
        sign = source[inside]
        inside += 1
      }
      guard let afterWord = word("endraw", at: inside), let end = closing("%}", at: afterWord) else {
        continue
      }
      // WHY: whether the line just started is known from the end of the opening tag.
      lineStarting = position > 0 && source[position - 1] == 0x0A
      appendText(TemplateText(source[position..<index]), sign: sign, strips: true)
      position = index
      advance(to: end)
      return
    }
    throw TemplateError(.syntax, "a raw block is not closed by endraw", line: line)
  }

  private mutating func readTag(_ begin: TemplateToken.Kind, _ end: TemplateToken.Kind) throws(TemplateError)
  {
    emit(begin, "")
    var scanner = TagScanner(source: source, position: position, line: line)
    while true {
      scanner.skipSpaces()
      if scanner.openBrackets.isEmpty, let after = tagEnd(end, at: scanner.position) {
        line = scanner.line
        position = scanner.position
        emit(end, "")
        advance(to: after)
        return
      }
      guard let token = try scanner.next() else { break }
      tokens.append(token)
    }
    line = scanner.line
    position = source.count
  }

  private func tagEnd(_ kind: TemplateToken.Kind, at start: Int) -> Int? {
    if kind == .blockEnd { return closing("%}", at: start) }
    if matches("-}}", at: start) { return skipSpaces(from: start + 3) }
    return matches("}}", at: start) ? start + 2 : nil
  }
}
