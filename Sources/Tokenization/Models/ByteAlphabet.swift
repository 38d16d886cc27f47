/// The 256 characters that GPT-2 and its followers write bytes with.
///
/// Printable bytes of Latin-1 are themselves; the others take the scalars from U+0100 on, in order.
enum ByteAlphabet {
  /// The scalar of each byte.
  static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (UInt32(0)..<256).map { byte in
      if isPrintable(byte) { return byte }
      next += 1
      return next - 1
    }
  }()

  /// Byte + 1 of each scalar below U+0144, zero for those that stand for no byte.
  private static let bytes: [UInt16] = {
    var result = [UInt16](repeating: 0, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { result[Int(scalar)] = UInt16(byte + 1) }
    return result
  }()

  private static func isPrintable(_ byte: UInt32) -> Bool {
    (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
  }

  @inline(__always)
  static func byte(_ scalar: UInt32) -> UInt8? {
    guard scalar < 0x144, bytes[Int(scalar)] > 0 else { return nil }
    return UInt8(bytes[Int(scalar)] - 1)
  }

  /// The text with every byte written as its character.
  static func encode(_ bytes: ArraySlice<UInt8>, to result: inout [UInt8]) {
    for byte in bytes { UTF8Scalars.append(scalars[Int(byte)], to: &result) }
  }

  /// The bytes that a token stands for; nil if one of its characters is none of the 256.
  static func decode(_ token: ArraySlice<UInt8>) -> [UInt8]? {
    let text = token.span
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: index)
      guard let byte = byte(scalar) else { return nil }
      result.append(byte)
      index += length
    }
    return result
  }
}

/// The tokens of a byte-level vocabulary as the bytes that they stand for.
struct RawByteTokens: Sendable {
  let vocabulary: Vocabulary

  /// Id of each single byte, -1 where it has none.
  let byteIDs: [Int32]

  /// - Parameter keepsWords: whether tokens of more than one byte will be asked for.
  init(_ mapped: Vocabulary, keepsWords: Bool) {
    var vocabulary = Vocabulary(capacity: keepsWords ? mapped.count : 256)
    if keepsWords {
      mapped.forEach { token, id in
        // A token with other characters cannot come out of a text whose bytes have all been mapped.
        if let bytes = ByteAlphabet.decode(token), !bytes.isEmpty { vocabulary.insert(bytes.span, id: id) }
      }
    }
    byteIDs = (0..<256).map { byte in
      var character: [UInt8] = []
      UTF8Scalars.append(ByteAlphabet.scalars[byte], to: &character)
      return mapped.id(of: character) ?? -1
    }
    self.vocabulary = vocabulary
  }
}
