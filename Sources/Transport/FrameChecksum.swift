internal import Compute
package import Wire

/// The checksum of frames, as fast as this processor can.
package enum FrameChecksum {
  /// CRC32C by the processor's instruction where there is one, else by table: the same values.
  package static let fastest: ChecksumFunction = {
    let kernels = KernelTable()
    return { bytes, seed in
      unsafe bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return seed }
        return unsafe kernels.crc32c(base, count: buffer.count, crc: seed)
      }
    }
  }()
}
