/// Searching, splitting and stripping, with the results of Python's methods of the same names.
extension TemplateText {
  /// Byte offset of the first `needle` at or after `start`; nil when there is none. Linear (Knuth, Morris, Pratt).
  func firstOffset(of needle: TemplateText, from start: Int = 0, to end: Int? = nil) -> Int? {
    offsets(of: needle.utf8, in: utf8, from: start, to: end ?? utf8.count, limit: 1).first
  }

  func contains(_ needle: TemplateText) -> Bool { needle.isEmpty || firstOffset(of: needle) != nil }

  /// Byte offset of the last `needle` within the bytes `start..<end`.
  func lastOffset(of needle: TemplateText, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = end ?? utf8.count
    guard start <= end else { return nil }
    let window = Array(utf8[start..<end].reversed())
    let pattern = Array(needle.utf8.reversed())
    guard let offset = offsets(of: pattern, in: window, from: 0, to: window.count, limit: 1).first else {
      return nil
    }
    return end - offset - pattern.count
  }

  func hasPrefix(_ prefix: TemplateText) -> Bool { utf8.starts(with: prefix.utf8) }

  func hasSuffix(_ suffix: TemplateText) -> Bool {
    suffix.utf8.count <= utf8.count && utf8[(utf8.count - suffix.utf8.count)...].elementsEqual(suffix.utf8)
  }

  /// Occurrences that do not overlap.
  func occurrences(of needle: TemplateText) -> Int {
    needle.isEmpty
      ? count + 1 : offsets(of: needle.utf8, in: utf8, from: 0, to: utf8.count, limit: .max).count
  }

  /// Replaces the first `limit` occurrences, or all when `limit` is negative.
  func replacing(_ old: TemplateText, with new: TemplateText, limit: Int = -1) -> TemplateText {
    let limit = limit < 0 ? Int.max : limit
    guard limit > 0 else { return self }
    var result: [UInt8] = []
    if old.isEmpty {
      var remaining = limit
      for character in characters {
        if remaining > 0 {
          result += new.utf8
          remaining -= 1
        }
        result += character.utf8
      }
      if remaining > 0 { result += new.utf8 }
      return TemplateText(utf8: result)
    }
    let found = offsets(of: old.utf8, in: utf8, from: 0, to: utf8.count, limit: limit)
    guard !found.isEmpty else { return self }
    var position = 0
    for offset in found {
      result += utf8[position..<offset]
      result += new.utf8
      position = offset + old.utf8.count
    }
    result += utf8[position...]
    return TemplateText(utf8: result)
  }

  /// The parts between occurrences of `separator` (not empty), at most `limit` cuts from the left; negative: all.
  func split(separator: TemplateText, limit: Int) -> [TemplateText] {
    let found = offsets(
      of: separator.utf8, in: utf8, from: 0, to: utf8.count, limit: limit < 0 ? .max : limit)
    return parts(cutAt: found, width: separator.utf8.count)
  }

  /// As `split(separator:limit:)`, cutting from the right.
  func splitFromRight(separator: TemplateText, limit: Int) -> [TemplateText] {
    let mirrored = offsets(
      of: Array(separator.utf8.reversed()), in: Array(utf8.reversed()), from: 0, to: utf8.count,
      limit: limit < 0 ? .max : limit)
    let width = separator.utf8.count
    return parts(cutAt: mirrored.reversed().map { utf8.count - $0 - width }, width: width)
  }

  /// The runs between whitespace, at most `limit` cuts from the left; the rest keeps its whitespace on the right.
  func splitWhitespace(limit: Int) -> [TemplateText] {
    var result: [TemplateText] = []
    var offset = 0
    while offset < utf8.count {
      let start = offset
      if utf8.scalar(at: &offset).isPythonSpace { continue }
      if limit >= 0, result.count >= limit {
        result.append(TemplateText(utf8[start...]))
        return result
      }
      var end = offset
      while offset < utf8.count {
        if utf8.scalar(at: &offset).isPythonSpace { break }
        end = offset
      }
      result.append(TemplateText(utf8[start..<end]))
    }
    return result
  }

  func splitWhitespaceFromRight(limit: Int) -> [TemplateText] {
    guard limit >= 0 else { return splitWhitespace(limit: -1) }
    let scalars = self.scalars
    var result: [TemplateText] = []
    var end = scalars.count
    while end > 0 {
      if scalars[end - 1].isPythonSpace {
        end -= 1
        continue
      }
      if result.count >= limit {
        result.append(TemplateText(scalars: scalars[..<end]))
        break
      }
      var start = end
      while start > 0, !scalars[start - 1].isPythonSpace { start -= 1 }
      result.append(TemplateText(scalars: scalars[start..<end]))
      end = start
    }
    return result.reversed()
  }

  /// Lines at every line boundary that Python knows; a final boundary makes no empty line.
  func splitLines(keepingEnds: Bool) -> [TemplateText] {
    var result: [TemplateText] = []
    var start = 0
    var offset = 0
    while offset < utf8.count {
      let boundary = offset
      let scalar = utf8.scalar(at: &offset)
      guard scalar.isLineBoundary else { continue }
      if scalar == "\r", offset < utf8.count, utf8[offset] == 0x0A { offset += 1 }
      result.append(TemplateText(utf8[start..<(keepingEnds ? offset : boundary)]))
      start = offset
    }
    if start < utf8.count { result.append(TemplateText(utf8[start...])) }
    return result
  }

  func strippedWhitespace(left: Bool = true, right: Bool = true) -> TemplateText {
    stripped(left: left, right: right) { $0.isPythonSpace }
  }

  func stripped(of set: TemplateText, left: Bool = true, right: Bool = true) -> TemplateText {
    let members = Set(set.scalars)
    return stripped(left: left, right: right) { members.contains($0) }
  }

  private func stripped(left: Bool, right: Bool, where matches: (Unicode.Scalar) -> Bool) -> TemplateText {
    var start = 0
    var end = utf8.count
    while left, start < end {
      var next = start
      guard matches(utf8.scalar(at: &next)) else { break }
      start = next
    }
    while right, end > start {
      var last = end - 1
      while last > start, UTF8Scalars.isContinuation(utf8[last]) { last -= 1 }
      var next = last
      guard matches(utf8.scalar(at: &next)) else { break }
      end = last
    }
    return start == 0 && end == utf8.count ? self : TemplateText(utf8[start..<end])
  }

  private func parts(cutAt offsets: [Int], width: Int) -> [TemplateText] {
    var result: [TemplateText] = []
    var position = 0
    for offset in offsets {
      result.append(TemplateText(utf8[position..<offset]))
      position = offset + width
    }
    result.append(TemplateText(utf8[position...]))
    return result
  }

  /// Offsets of the first `limit` occurrences that do not overlap.
  private func offsets(of needle: [UInt8], in bytes: [UInt8], from start: Int, to end: Int, limit: Int)
    -> [Int]
  {
    guard start <= end, limit > 0 else { return [] }
    if needle.isEmpty { return [start] }
    guard needle.count <= end - start else { return [] }
    var fallback = [Int](repeating: 0, count: needle.count)
    var length = 0
    for index in 1..<max(needle.count, 1) {
      while length > 0, needle[index] != needle[length] { length = fallback[length - 1] }
      if needle[index] == needle[length] { length += 1 }
      fallback[index] = length
    }
    var found: [Int] = []
    var matched = 0
    for index in start..<end {
      let byte = bytes[index]
      while matched > 0, byte != needle[matched] { matched = fallback[matched - 1] }
      if byte == needle[matched] { matched += 1 }
      if matched == needle.count {
        found.append(index + 1 - matched)
        if found.count == limit { return found }
        matched = 0
      }
    }
    return found
  }
}
