internal import CZeroMQ

/// A CURVE25519 key pair in ZeroMQ's printable form (Z85, 40 characters each).
package struct CurveKeys: Sendable, Hashable {
  package let publicKey: String
  package let secretKey: String

  /// Characters of a printed key.
  package static let keyLength = 40

  private init(publicKey: String, secretKey: String) {
    self.publicKey = publicKey
    self.secretKey = secretKey
  }

  /// The pair of a secret key.
  ///
  /// - Throws: for a text that is no key; the text is not repeated.
  package init(secretKey: String) throws(TransportError) {
    var publicKey = [CChar](repeating: 0, count: Self.keyLength + 1)
    guard Self.isKey(secretKey), unsafe zmq_curve_public(&publicKey, secretKey) == 0 else {
      throw TransportError(
        .malformedKey, "a secret key must be \(Self.keyLength) characters as ZeroMQ prints them")
    }
    self.init(publicKey: Self.text(publicKey), secretKey: secretKey)
  }

  /// A fresh pair.
  package static func generate() throws(TransportError) -> CurveKeys {
    var publicKey = [CChar](repeating: 0, count: Self.keyLength + 1)
    var secretKey = publicKey
    guard unsafe zmq_curve_keypair(&publicKey, &secretKey) == 0 else { throw .lastCall("zmq_curve_keypair") }
    return CurveKeys(publicKey: text(publicKey), secretKey: text(secretKey))
  }

  /// Whether a text can be a printed key.
  package static func isKey(_ text: String) -> Bool { text.utf8.count == keyLength && bytes(of: text) != nil }

  /// The 32 bytes of a printed key; nil when it is none.
  static func bytes(of key: String) -> [UInt8]? {
    guard key.utf8.count == keyLength, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 32)
    return unsafe zmq_z85_decode(&bytes, key) == nil ? nil : bytes
  }

  private static func text(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
