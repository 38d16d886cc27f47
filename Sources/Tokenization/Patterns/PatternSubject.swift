/// Texts as PCRE2 must see them to agree with the reference's regular expressions.
///
/// WHY: the installed PCRE2 may know an older Unicode (14 on Debian 12) than the reference (16). Scalars that are newer,
/// and the one space that PCRE2 counts more, are replaced by an older scalar of the same category, script and length in
/// UTF-8; offsets stay what they were. The result is for matching only, never for output.
enum PatternSubject {
  private static let substitutes = ScalarTable<UInt32>(runs: UnicodeData.substitutes)

  static func adapted(_ text: [UInt8]) -> [UInt8] {
    let bytes = text.span
    var result: [UInt8]?
    var index = 0
    while index < bytes.count {
      // All of them take three bytes or more.
      if bytes[index] < 0xE0 {
        index &+= 1
        continue
      }
      let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
      let substitute = substitutes[scalar]
      if substitute != 0 {
        var changed = result ?? text
        var encoded: [UInt8] = []
        UTF8Scalars.append(substitute, to: &encoded)
        if encoded.count == length { changed.replaceSubrange(index..<(index + length), with: encoded) }
        result = changed
      }
      index &+= length
    }
    return result ?? text
  }
}
