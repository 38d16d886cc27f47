internal import Compute
package import Wire

/// The checksum of frames, as fast as this processor can.
package enum FrameChecksum {
  /// CRC32C by the processor's instruction where there is one, else by table: the same values.
  package static let fastest: ChecksumFunction = { HardwareChecksum.crc32c($0, $1) }
}
