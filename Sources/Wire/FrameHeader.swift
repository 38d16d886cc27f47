/// The 64 bytes at the front of every frame, little-endian.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic "MDF1" |
/// | 4 | 2 | version |
/// | 6 | 2 | kind |
/// | 8 | 8 | epoch |
/// | 16 | 8 | step |
/// | 24 | 4 | operation sequence within the step |
/// | 28 | 4 | round within the operation |
/// | 32 | 4 | source rank |
/// | 36 | 4 | destination rank |
/// | 40 | 8 | payload bytes |
/// | 48 | 4 | flags |
/// | 52 | 8 | nanoseconds of the hold that flag 2 or 4 tells of, else zero |
/// | 60 | 4 | CRC32C of bytes 0 ..< 60 and, unless flag 1 is set, of the payload |
package struct FrameHeader: Sendable, Hashable {
  /// Bytes of the header on the wire.
  package static let byteCount = 64
  /// The bytes "MDF1".
  package static let magic: UInt32 = 0x3146_444D
  /// Raised whenever a field or a message body changes its meaning.
  package static let version: UInt16 = 1
  /// Flag: the checksum covers the header only. For payloads that never leave the memory of one host.
  package static let uncheckedPayload: UInt32 = 1
  /// Flag: not to be taken before a moment of the monotonic clock that both ends read.
  package static let heldUntil: UInt32 = 2
  /// Flag: to be held for so long after its arrival.
  package static let heldAtArrival: UInt32 = 4
  /// The coordinator's place in `source` and `destination`.
  package static let coordinator = UInt32.max
  /// The destination of a frame for whoever is at the other end: a worker that has no rank yet.
  package static let unassigned = UInt32.max - 1
  /// Most payload bytes a reader accepts when it names no smaller limit: 256 MiB.
  package static let maxPayloadBytes = 256 << 20

  package var kind: MessageKind
  package var flags: UInt32 = 0
  package var epoch: Epoch
  package var step: StepNumber
  package var sequence: UInt32
  package var round: UInt32
  package var source: UInt32
  package var destination: UInt32
  package var payloadBytes: Int
  /// On an emulated wire: how long the frame is under way.
  package var hold = Hold.none
  /// As read from the wire; computed when written.
  package var checksum: UInt32 = 0

  /// From when on a receiver may take a frame, in nanoseconds.
  package enum Hold: Sendable, Hashable {
    case none
    /// Of the monotonic clock.
    case until(UInt64)
    case atArrival(UInt64)
  }

  package init(
    kind: MessageKind, epoch: Epoch, step: StepNumber = StepNumber(rawValue: 0), sequence: UInt32 = 0,
    round: UInt32 = 0,
    source: UInt32, destination: UInt32, payloadBytes: Int
  ) {
    self.kind = kind
    self.epoch = epoch
    self.step = step
    self.sequence = sequence
    self.round = round
    self.source = source
    self.destination = destination
    self.payloadBytes = payloadBytes
  }
}

/// What was wrong with a frame, and who claims to have sent it.
package struct FrameError: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Reason: Sendable, Hashable {
    case shorterThanHeader(bytes: Int)
    case wrongMagic(UInt32)
    case otherVersion(UInt16)
    case unknownKind(UInt16)
    case reservedBytesUsed
    case payloadLength(declared: UInt64, present: Int)
    case payloadTooLong(declared: UInt64, limit: Int)
    case wrongChecksum(declared: UInt32, computed: UInt32)
    case impossibleSource(UInt32)
    case otherDestination(UInt32, here: UInt32)
    case placeOutsideRing
  }

  package var reason: Reason
  /// The source field of the header, when the frame is long enough to have one. A corrupted frame may lie.
  package var claimedSource: UInt32?

  package init(_ reason: Reason, claimedSource: UInt32?) {
    self.reason = reason
    self.claimedSource = claimedSource
  }

  package var description: String {
    "a frame from \(sender) \(complaint)"
  }

  private var sender: String {
    guard let claimedSource else { return "an unknown sender" }
    return claimedSource == FrameHeader.coordinator ? "the coordinator" : "rank \(claimedSource)"
  }

  private var complaint: String {
    switch reason {
    case .shorterThanHeader(let bytes):
      "has \(bytes) bytes, fewer than the \(FrameHeader.byteCount) of a header"
    case .wrongMagic(let magic):
      "starts with 0x\(String(magic, radix: 16)), not with the magic of this protocol"
    case .otherVersion(let version):
      "speaks protocol version \(version), this build speaks \(FrameHeader.version): run one build everywhere"
    case .unknownKind(let kind): "is of unknown kind \(kind)"
    case .reservedBytesUsed: "uses reserved header bytes"
    case .payloadLength(let declared, let present):
      "declares \(declared) payload bytes but carries \(present)"
    case .payloadTooLong(let declared, let limit): "declares \(declared) payload bytes, the limit is \(limit)"
    case .wrongChecksum(let declared, let computed):
      "is corrupted: checksum 0x\(String(declared, radix: 16)) declared, 0x\(String(computed, radix: 16)) computed"
    case .impossibleSource(let rank): "names source rank \(rank), which is not on this mesh"
    case .placeOutsideRing: "lies outside the shared memory of its ring"
    case .otherDestination(let rank, let here): "is addressed to rank \(rank) but arrived at rank \(here)"
    }
  }
}
