extension FrameHeader {
  /// Writes the header into the first 64 bytes of `frame`, whose remaining bytes are the payload already, and
  /// fills in the checksum over both, or over the header alone where `flags` say so.
  package func encode(
    into frame: inout MutableSpan<UInt8>, checksum: ChecksumFunction = { CRC32C.table($0, $1) }
  ) {
    precondition(
      frame.count == FrameHeader.byteCount + payloadBytes,
      "a frame of \(frame.count) bytes cannot hold a header and \(payloadBytes) payload bytes")
    put(FrameHeader.magic, at: 0, in: &frame)
    put(FrameHeader.version, at: 4, in: &frame)
    put(kind.rawValue, at: 6, in: &frame)
    put(epoch.rawValue, at: 8, in: &frame)
    put(step.rawValue, at: 16, in: &frame)
    put(sequence, at: 24, in: &frame)
    put(round, at: 28, in: &frame)
    put(source, at: 32, in: &frame)
    put(destination, at: 36, in: &frame)
    put(UInt64(payloadBytes), at: 40, in: &frame)
    let (flags, nanoseconds): (UInt32, UInt64) =
      switch hold {
      case .none: (self.flags, 0)
      case .until(let moment): (self.flags | FrameHeader.heldUntil, moment)
      case .atArrival(let wait): (self.flags | FrameHeader.heldAtArrival, wait)
      }
    put(flags, at: 48, in: &frame)
    put(nanoseconds, at: 52, in: &frame)
    let sum = FrameHeader.checksum(of: frame.span, flags, checksum)
    put(sum, at: 60, in: &frame)
  }

  /// Reads and validates the header of a whole frame, checksum included.
  ///
  /// - Throws: `FrameError` for anything but a well-formed frame of this protocol version. No input traps.
  package init(
    decoding frame: Span<UInt8>, maxPayloadBytes: Int = FrameHeader.maxPayloadBytes,
    checksum: ChecksumFunction = { CRC32C.table($0, $1) }
  ) throws(FrameError) {
    guard frame.count >= FrameHeader.byteCount else {
      throw FrameError(.shorterThanHeader(bytes: frame.count), claimedSource: nil)
    }
    let magic = FrameHeader.get(UInt32.self, at: 0, in: frame)
    guard magic == FrameHeader.magic else { throw FrameError(.wrongMagic(magic), claimedSource: nil) }
    let source = FrameHeader.get(UInt32.self, at: 32, in: frame)
    let version = FrameHeader.get(UInt16.self, at: 4, in: frame)
    guard version == FrameHeader.version else {
      throw FrameError(.otherVersion(version), claimedSource: source)
    }
    let declared = FrameHeader.get(UInt64.self, at: 40, in: frame)
    let present = frame.count - FrameHeader.byteCount
    guard declared <= UInt64(maxPayloadBytes) else {
      throw FrameError(.payloadTooLong(declared: declared, limit: maxPayloadBytes), claimedSource: source)
    }
    guard declared == UInt64(present) else {
      throw FrameError(.payloadLength(declared: declared, present: present), claimedSource: source)
    }
    let declaredSum = FrameHeader.get(UInt32.self, at: 60, in: frame)
    let flags = FrameHeader.get(UInt32.self, at: 48, in: frame)
    let computedSum = FrameHeader.checksum(of: frame, flags, checksum)
    guard declaredSum == computedSum else {
      throw FrameError(.wrongChecksum(declared: declaredSum, computed: computedSum), claimedSource: source)
    }
    let rawKind = FrameHeader.get(UInt16.self, at: 6, in: frame)
    guard let kind = MessageKind(rawValue: rawKind) else {
      throw FrameError(.unknownKind(rawKind), claimedSource: source)
    }
    let nanoseconds = FrameHeader.get(UInt64.self, at: 52, in: frame)
    let hold: Hold =
      nanoseconds == 0
      ? .none
      : flags & FrameHeader.heldUntil != 0
        ? .until(nanoseconds) : flags & FrameHeader.heldAtArrival != 0 ? .atArrival(nanoseconds) : .none
    guard nanoseconds == 0 || hold != .none else {
      throw FrameError(.reservedBytesUsed, claimedSource: source)
    }
    self.init(
      kind: kind, epoch: Epoch(rawValue: FrameHeader.get(UInt64.self, at: 8, in: frame)),
      step: StepNumber(rawValue: FrameHeader.get(UInt64.self, at: 16, in: frame)),
      sequence: FrameHeader.get(UInt32.self, at: 24, in: frame),
      round: FrameHeader.get(UInt32.self, at: 28, in: frame), source: source,
      destination: FrameHeader.get(UInt32.self, at: 36, in: frame), payloadBytes: present)
    self.flags = flags
    self.hold = hold
    self.checksum = declaredSum
  }

  /// The checksum of a whole frame: all of it but the checksum field itself, or of its header.
  private static func checksum(of frame: Span<UInt8>, _ flags: UInt32, _ function: ChecksumFunction) -> UInt32
  {
    let head = function(frame.extracting(0..<60), 0)
    if flags & uncheckedPayload != 0 { return head }
    return function(frame.extracting(byteCount..<frame.count), head)
  }

  private func put<T: FixedWidthInteger>(_ value: T, at offset: Int, in frame: inout MutableSpan<UInt8>) {
    var rest = value
    for index in 0..<(T.bitWidth / 8) {
      frame[offset + index] = UInt8(truncatingIfNeeded: rest)
      rest = T.bitWidth > 8 ? rest >> 8 : 0
    }
  }

  private static func get<T: FixedWidthInteger>(_: T.Type, at offset: Int, in frame: Span<UInt8>) -> T {
    var value: T = 0
    for index in (0..<(T.bitWidth / 8)).reversed() { value = value << 8 | T(frame[offset + index]) }
    return value
  }
}
