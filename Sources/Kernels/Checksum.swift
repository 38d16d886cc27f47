import CIntrinsics

/// CRC-32C (Castagnoli, as in iSCSI) of `count` bytes, continuing from `crc` (0 at the start).
///
/// On x86-64 one instruction takes eight bytes but its result is three cycles away, so long inputs run as three
/// neighbouring chains that are joined afterwards: the checksum of `A B` is that of `B` alone, combined with that of `A`
/// moved over as many zero bytes as `B` has (both are linear over GF(2)). Elsewhere one table look-up per byte.
package func crc32c(_ bytes: UnsafeRawPointer, count: Int, crc: UInt32) -> UInt32 {
  #if arch(x86_64)
    var crc = ~crc
    var i = 0
    while i + 3 * longChain <= count {
      crc = threeChains(bytes + i, longChain, afterLongChain, crc)
      i += 3 * longChain
    }
    while i + 3 * shortChain <= count {
      crc = threeChains(bytes + i, shortChain, afterShortChain, crc)
      i += 3 * shortChain
    }
    while i + 8 <= count {
      crc = crc32cWord(crc, bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
      i += 8
    }
    while i < count {
      crc = crc32cByte(crc, bytes.load(fromByteOffset: i, as: UInt8.self))
      i += 1
    }
    return ~crc
  #else
    return softwareCRC32C(bytes, count: count, crc: crc)
  #endif
}

#if arch(x86_64)
  private let longChain = 2048
  private let shortChain = 256
  private let afterLongChain = zeroBytesTable(longChain)
  private let afterShortChain = zeroBytesTable(shortChain)

  /// The register after `3 * length` bytes that start with the register at `crc`.
  @inline(__always)
  private func threeChains(_ bytes: UnsafeRawPointer, _ length: Int, _ zeros: [UInt32], _ crc: UInt32)
    -> UInt32
  {
    var a = crc
    var b: UInt32 = 0
    var c: UInt32 = 0
    for i in stride(from: 0, to: length, by: 8) {
      a = crc32cWord(a, bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self))
      b = crc32cWord(b, bytes.loadUnaligned(fromByteOffset: length + i, as: UInt64.self))
      c = crc32cWord(c, bytes.loadUnaligned(fromByteOffset: 2 * length + i, as: UInt64.self))
    }
    return overZeroBytes(overZeroBytes(a, zeros) ^ b, zeros) ^ c
  }

  /// The register after the zero bytes that `zeros` stands for.
  @inline(__always)
  private func overZeroBytes(_ crc: UInt32, _ zeros: [UInt32]) -> UInt32 {
    zeros[Int(crc & 0xFF)] ^ zeros[256 + Int(crc >> 8 & 0xFF)] ^ zeros[512 + Int(crc >> 16 & 0xFF)]
      ^ zeros[768 + Int(crc >> 24)]
  }

  /// What `count` zero bytes (a multiple of 8) make of each byte of the register: entry `256 * k + b` for byte k.
  private func zeroBytesTable(_ count: Int) -> [UInt32] {
    let ofBit: [UInt32] = (0..<32).map { bit in
      var crc = UInt32(1) << UInt32(bit)
      for _ in 0..<(count / 8) { crc = crc32cWord(crc, 0) }
      return crc
    }
    return (0..<1024).map { entry in
      (0..<8).reduce(0) { entry >> $1 & 1 == 1 ? $0 ^ ofBit[entry / 256 * 8 + $1] : $0 }
    }
  }
#endif

/// CRC-32C by a table of 256 entries: the twin of the instruction.
package func softwareCRC32C(_ bytes: UnsafeRawPointer, count: Int, crc: UInt32) -> UInt32 {
  var crc = ~crc
  for i in 0..<count {
    let index = Int((crc ^ UInt32(bytes.load(fromByteOffset: i, as: UInt8.self))) & 0xFF)
    crc = crcTable[index] ^ (crc >> 8)
  }
  return ~crc
}

/// Remainders of the reflected polynomial 0x1EDC6F41.
private let crcTable: [UInt32] = (0..<256).map { entry in
  var value = UInt32(entry)
  for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
  return value
}
