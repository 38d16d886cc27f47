import CPCRE2

/// A compiled regular expression over UTF-8 text: the only code of this target that touches raw memory.
///
/// The compiled code is immutable after `init` and PCRE2 allows any number of threads to match with it; everything
/// that a match writes to is made per call. Texts must be valid UTF-8: PCRE2 is told not to check them again.
@safe final class RegularExpression: Sendable {
  nonisolated(unsafe) private let code: OpaquePointer

  /// - Parameter pattern: a pattern of PCRE2; `name` is what an error calls it.
  init(pcre2 pattern: String, name: String) throws(TokenizerError) {
    var errorCode: Int32 = 0
    var errorOffset = 0
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C
    let bytes = Array(pattern.utf8)
    let context = unsafe pcre2_compile_context_create_8(nil)
    defer { unsafe pcre2_compile_context_free_8(context) }
    unsafe pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    unsafe pcre2_set_parens_nest_limit_8(context, 200)
    let compiled = unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe pcre2_compile_8(buffer.baseAddress, buffer.count, options, &errorCode, &errorOffset, context)
    }
    guard let compiled = unsafe compiled else {
      throw TokenizerError(
        "the pattern \(name) cannot be used: \(Self.message(errorCode)) (near character \(errorOffset))")
    }
    unsafe self.code = compiled
    // Without just-in-time code (refused by some hardened kernels) matching is slower, not different.
    _ = unsafe pcre2_jit_compile_8(compiled, UInt32(PCRE2_JIT_COMPLETE))
  }

  deinit { unsafe pcre2_code_free_8(code) }

  /// Appends start and end of every match inside `range` of the text, which is matched as if it were all of it.
  ///
  /// Offsets count from the start of `text`. As in the reference, an empty match directly after another match is
  /// skipped. A match that needs more than PCRE2's limit of steps ends the search.
  func appendMatches(in text: [UInt8], range: Range<Int>, to bounds: inout [Int]) {
    precondition(range.lowerBound >= 0 && range.upperBound <= text.count, "range \(range) outside the text")
    guard let data = unsafe pcre2_match_data_create_8(1, nil) else { return }
    defer { unsafe pcre2_match_data_free_8(data) }
    unsafe text.withUnsafeBufferPointer { buffer in
      // An empty text still needs an address.
      var nothing: UInt8 = 0
      guard let base = buffer.baseAddress else {
        unsafe scan(&nothing, 0, 0, data, &bounds)
        return
      }
      unsafe scan(base + range.lowerBound, range.count, range.lowerBound, data, &bounds)
    }
  }

  private func scan(
    _ subject: UnsafePointer<UInt8>, _ length: Int, _ shift: Int, _ data: OpaquePointer, _ bounds: inout [Int]
  ) {
    guard let vector = unsafe pcre2_get_ovector_pointer_8(data) else { return }
    var position = 0
    var lastEnd = -1
    while position <= length {
      let result = unsafe match(subject, length, position, data)
      if result < 0 { return }
      // \K in a lookahead can put the start behind the end.
      let end = unsafe vector[1]
      let start = unsafe min(vector[0], end)
      if start == end, end == lastEnd {
        position += position < length ? UTF8Scalars.length(lead: unsafe subject[position]) : 1
        continue
      }
      bounds.append(shift + start)
      bounds.append(shift + end)
      position = end
      lastEnd = end
    }
  }

  private func match(
    _ subject: UnsafePointer<UInt8>, _ length: Int, _ start: Int, _ data: OpaquePointer
  ) -> Int32 {
    let result = unsafe pcre2_match_8(code, subject, length, start, PCRE2_NO_UTF_CHECK, data, nil)
    if result != PCRE2_ERROR_JIT_STACKLIMIT { return result }
    // The interpreter keeps its backtracking on the heap.
    return unsafe pcre2_match_8(
      code, subject, length, start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, nil)
  }

  private static func message(_ errorCode: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let length = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
      unsafe pcre2_get_error_message_8(errorCode, buffer.baseAddress, buffer.count)
    }
    return String(decoding: buffer.prefix(max(0, Int(length))), as: UTF8.self)
  }
}
