package import Parsing

/// What a rank's link threw away, and what its conditions did to frames: a worker's answer to `linkReport`.
package struct LinkReport: Sendable, Hashable {
  package var rank: UInt32
  /// Frames that came and were of no use.
  package var staleFrames: UInt64 = 0
  package var futureFrames: UInt64 = 0
  package var malformedFrames: UInt64 = 0
  package var duplicateFrames: UInt64 = 0
  /// Frames that went out and were lost or changed on purpose.
  package var faults: UInt64 = 0
  /// Frames that were under way for longer than the wire needs.
  package var delayedFrames: UInt64 = 0
  /// Monotonic clock of the rank, nanoseconds: the first of the faults; 0 is never.
  package var firstFaultAt: UInt64 = 0
  /// Where the process has its weights, and how many bytes; zeros unless it was asked to tell.
  package var weightsAddress: UInt64 = 0
  package var weightsBytes: UInt64 = 0

  package init(rank: UInt32) { self.rank = rank }
}

extension LinkReport: WireMessage {
  package init(from reader: inout ByteReader) throws(ParseError) {
    self.init(rank: try reader.u32("rank"))
    staleFrames = try reader.u64("stale frames")
    futureFrames = try reader.u64("future frames")
    malformedFrames = try reader.u64("malformed frames")
    duplicateFrames = try reader.u64("duplicate frames")
    faults = try reader.u64("faults")
    delayedFrames = try reader.u64("delayed frames")
    firstFaultAt = try reader.u64("first fault")
    weightsAddress = try reader.u64("address of the weights")
    weightsBytes = try reader.u64("bytes of the weights")
  }

  package func write(to writer: inout ByteWriter) {
    writer.u32(rank)
    for value in [
      staleFrames, futureFrames, malformedFrames, duplicateFrames, faults, delayedFrames, firstFaultAt,
      weightsAddress, weightsBytes,
    ] { writer.u64(value) }
  }
}
