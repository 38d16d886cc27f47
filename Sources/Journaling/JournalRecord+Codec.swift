internal import Compute
package import Parsing
internal import Scheduling
internal import Wire

/// The bytes of a journal: eight that name the format, then frames of length, CRC-32C over length and payload, payload.
package enum JournalFormat {
  /// "MESHJRN1".
  package static let magic: [UInt8] = [0x4D, 0x45, 0x53, 0x48, 0x4A, 0x52, 0x4E, 0x31]
  static let frameBytes = 8
  /// The longest prompt that any setting allows fits; more is no record of ours.
  static let maxPayloadBytes = 80 << 20
  static let maxTextBytes = 64 << 20
  static let maxIdentityBytes = 1 << 16

  /// One record as it stands in the file.
  package static func frame(_ record: JournalRecord) -> [UInt8] {
    var writer = ByteWriter(reserving: 256)
    writer.u32(0)
    writer.u32(0)
    record.write(to: &writer)
    writer.overwriteU32(UInt32(writer.count - frameBytes), at: 0)
    writer.overwriteU32(checksum(writer.bytes.span), at: 4)
    return writer.bytes
  }

  /// Of a whole frame; the field of the checksum itself is passed over.
  static func checksum(_ frame: Span<UInt8>) -> UInt32 {
    let length = HardwareChecksum.crc32c(frame.extracting(0..<4), 0)
    return HardwareChecksum.crc32c(frame.extracting(frameBytes..<frame.count), length)
  }
}

extension JournalRecord: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    switch try reader.u8("record kind") {
    case 1:
      let version = try reader.u32("journal version")
      guard version == JournalOpening.currentVersion else {
        throw ParseError(
          message: "it is of version \(version), this build reads \(JournalOpening.currentVersion)",
          byteOffset: start)
      }
      let seed = try reader.u64("seed")
      let identity = try reader.lengthPrefixedString(atMost: JournalFormat.maxIdentityBytes, "identity")
      self = .opened(JournalOpening(identity: identity, seed: seed))
    case 2: self = .accepted(try JournaledRequest(from: &reader))
    case 3:
      var entries: [JournalProgress] = []
      let count = try reader.count(of: 9, "entries")
      entries.reserveCapacity(min(count, 4096))
      for _ in 0..<count { entries.append(try JournalProgress(from: &reader)) }
      self = .progress(entries)
    case let kind: throw ParseError(message: "record kind \(kind) is unknown", byteOffset: start)
    }
  }

  package func write(to writer: inout ByteWriter) {
    switch self {
    case .opened(let opening):
      writer.u8(1)
      writer.u32(opening.version)
      writer.u64(opening.seed)
      writer.lengthPrefixedString(opening.identity)
    case .accepted(let request):
      writer.u8(2)
      request.write(to: &writer)
    case .progress(let entries):
      writer.u8(3)
      writer.count(entries.count)
      for entry in entries { entry.write(to: &writer) }
    }
  }
}

extension JournaledRequest: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    let id = RequestID(rawValue: try reader.u64("request"))
    let count = try reader.count(of: 4, "prompt tokens")
    var tokens: [TokenID] = []
    tokens.reserveCapacity(count)
    for _ in 0..<count { tokens.append(try Self.token(&reader)) }
    let sampling = try SamplingParameters(from: &reader)
    let hasText = try reader.bool("prompt text")
    let text = hasText ? try reader.lengthPrefixedString(atMost: JournalFormat.maxTextBytes, "text") : nil
    self.init(id: id, promptTokens: tokens, sampling: sampling, text: text)
  }

  package func write(to writer: inout ByteWriter) {
    writer.u64(id.rawValue)
    writer.count(promptTokens.count)
    for token in promptTokens { writer.i32(token.rawValue) }
    sampling.write(to: &writer)
    writer.bool(text != nil)
    if let text { writer.lengthPrefixedString(text) }
  }

  private static func token(_ reader: inout ByteReader) throws(ParseError) -> TokenID {
    let start = reader.position
    let id = try reader.i32("token id")
    guard id >= 0 else { throw ParseError(message: "a token id is \(id), below 0", byteOffset: start) }
    return TokenID(rawValue: id)
  }
}

extension JournalProgress: WireMessage {
  private static let reasons: [FinishReason] = [.stop, .length, .abort]

  package init(from reader: inout ByteReader) throws(ParseError) {
    let start = reader.position
    let kind = try reader.u8("entry kind")
    let id = RequestID(rawValue: try reader.u64("request"))
    switch kind {
    case 1:
      let index = try reader.u32("token number")
      // A drawn token with the completion in place of the slot.
      let drawn = try SampledToken(from: &reader)
      self = .token(id, completion: Int(drawn.slot), index: Int(index), drawn.token, drawn.logprobs)
    case 2:
      let completion = Int(try reader.u32("completion"))
      let reason = Int(try reader.u8("finish reason"))
      guard Self.reasons.indices.contains(reason) else {
        throw ParseError(message: "finish reason \(reason) is unknown", byteOffset: reader.position - 1)
      }
      self = .ended(id, completion: completion, Self.reasons[reason])
    case 3: self = .withdrawn(id)
    default: throw ParseError(message: "entry kind \(kind) is unknown", byteOffset: start)
    }
  }

  package func write(to writer: inout ByteWriter) {
    switch self {
    case .token(let id, let completion, let index, let token, let logprobs):
      writer.u8(1)
      writer.u64(id.rawValue)
      writer.u32(UInt32(index))
      SampledToken(slot: Int32(completion), token: token, logprobs: logprobs).write(to: &writer)
    case .ended(let id, let completion, let reason):
      writer.u8(2)
      writer.u64(id.rawValue)
      writer.u32(UInt32(completion))
      writer.u8(UInt8(Self.reasons.firstIndex(of: reason) ?? 0))
    case .withdrawn(let id):
      writer.u8(3)
      writer.u64(id.rawValue)
    }
  }
}
