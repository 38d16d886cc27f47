internal import Glibc

/// What a process knows of itself and its host.
package enum HostFacts {
  package static var processID: Int32 { getpid() }

  /// The host's name, at most 64 bytes; "unknown" when the kernel does not tell.
  package static var hostName: String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, unsafe gethostname(base, 255) == 0 else { return "unknown" }
      unsafe base[255] = 0
      return unsafe String(cString: base)
    }
  }

  /// CPUs that this process may run on.
  package static var allowedCPUs: [Int] { ThreadPlacement.allowedCPUs() }
}

/// Frame checksums at the speed of memory.
package enum HardwareChecksum {
  /// CRC-32C continuing from `seed`, with the CPU's own instruction where it has one.
  package static func crc32c(_ bytes: Span<UInt8>, _ seed: UInt32) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return seed }
      return unsafe table.crc32c(base, count: buffer.count, crc: seed)
    }
  }

  private static let table = KernelTable(.best)
}
