/// A text on its way through the normalizers.
struct NormalizedText {
  var bytes: [UInt8]

  /// How many of the first bytes come from the very first character of the original text.
  ///
  /// WHY: `Metaspace` with the scheme "first" asks whether a piece begins where the original text began, even when
  /// normalizers removed or inserted something there.
  var leadingCount: Int

  init(bytes: [UInt8], leadingCount: Int) {
    self.bytes = bytes
    self.leadingCount = leadingCount
  }

  /// A text, or the part of one that starts at `offset`.
  init(original bytes: [UInt8], offset: Int) {
    self.bytes = bytes
    let length = bytes.first.map { UTF8Scalars.length(lead: $0) } ?? 0
    leadingCount = offset == 0 ? length : 0
  }

  /// Replaces every scalar by what the closure appends for it.
  mutating func mapScalars(_ transform: (UInt32, inout [UInt8]) -> Void) {
    let source = bytes
    let old = source.span
    var result: [UInt8] = []
    result.reserveCapacity(old.count + 8)
    var leading = 0
    var index = 0
    while index < old.count {
      let (scalar, length) = UTF8Scalars.decode(old, at: index)
      transform(scalar, &result)
      if index < leadingCount { leading = result.count }
      index += length
    }
    bytes = result
    leadingCount = leading
  }

  /// Keeps the scalars for which the closure is true.
  mutating func filterScalars(_ isKept: (UInt32) -> Bool) {
    mapScalars { scalar, result in if isKept(scalar) { UTF8Scalars.append(scalar, to: &result) } }
  }

  mutating func prepend(_ prefix: [UInt8]) {
    if bytes.isEmpty { return }
    bytes.insert(contentsOf: prefix, at: 0)
    if leadingCount > 0 { leadingCount += prefix.count }
  }

  /// Replaces every match. Inserted text counts as part of the last character that it replaces, or of the one before.
  mutating func replace(_ pattern: TextPattern, with content: [UInt8]) {
    var bounds: [Int] = []
    pattern.appendMatches(in: pattern.subject(for: bytes), range: 0..<bytes.count, to: &bounds)
    if bounds.isEmpty { return }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bounds.count / 2 * content.count)
    var leading = 0
    var last = 0
    for index in stride(from: 0, to: bounds.count, by: 2) {
      let (start, end) = (bounds[index], bounds[index + 1])
      result.append(contentsOf: bytes[last..<start])
      if last < leadingCount { leading = result.count - max(0, start - leadingCount) }
      result.append(contentsOf: content)
      if end == 0 || end <= leadingCount { leading = result.count }
      last = end
    }
    result.append(contentsOf: bytes[last...])
    if last < leadingCount { leading = result.count - max(0, bytes.count - leadingCount) }
    bytes = result
    leadingCount = leading
  }

  /// Removes white space at the ends.
  mutating func strip(left: Bool, right: Bool) {
    let source = bytes
    let text = source.span
    var start = 0
    var end = text.count
    while left, start < end {
      let (scalar, length) = UTF8Scalars.decode(text, at: start)
      guard ScalarClass.isWhitespace(scalar) else { break }
      start += length
    }
    while right, end > start {
      let index = UTF8Scalars.start(before: end, in: text)
      guard ScalarClass.isWhitespace(UTF8Scalars.decode(text, at: index).scalar) else { break }
      end = index
    }
    if start == 0, end == text.count { return }
    bytes = Array(source[start..<end])
    leadingCount = min(max(0, leadingCount - start), bytes.count)
  }

  /// Brings the text into a normalisation form.
  mutating func normalize(_ form: NormalizationForm) {
    if form.isTrivial(bytes) { return }
    let old = bytes.count
    let suffix = Array(bytes[min(leadingCount, old)...])
    bytes = form.normalize(bytes)
    if leadingCount == 0 { return }
    // Marks join or follow the first character; everything after them is as long as it is on its own.
    leadingCount = max(1, bytes.count - form.normalize(suffix).count)
    // A mark that joined it is part of it: what comes from the first character ends with a whole scalar.
    while leadingCount < bytes.count, UTF8Scalars.isContinuation(bytes[leadingCount]) { leadingCount += 1 }
  }
}
