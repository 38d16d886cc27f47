internal import Transport
internal import Foundation

/// Breaks the weights of a running worker from outside, as a cosmic ray or a bad module would.
struct MemoryDoor {
  /// Where a process has its weights, as it said itself.
  struct Place {
    var processID: Int32
    var address: UInt64
    var byteCount: Int
  }

  let place: Place

  /// Overwrites a part of the weights with not-a-numbers, in whichever float format they are.
  func fillWithNaN(part: Double, _ random: inout SeededDraws) throws {
    let count = max(4096, Int(Double(place.byteCount) * part)) / 4 * 4
    let start = random.below(max(1, place.byteCount - count)) / 4 * 4
    try write([UInt8](repeating: 0xff, count: min(count, place.byteCount - start)), at: start)
  }

  /// Sets the highest bit of exponents, in so many 16-bit words.
  func setExponentBits(words: Int, _ random: inout SeededDraws) throws {
    let file = try open()
    defer { try? file.close() }
    for _ in 0..<words {
      let target = place.address + UInt64(random.below(max(1, place.byteCount / 2)) * 2 + 1)
      try file.seek(toOffset: target)
      let byte = try file.read(upToCount: 1)?.first ?? 0
      try file.seek(toOffset: target)
      try file.write(contentsOf: Data([byte | 0x40]))
    }
  }

  private func open() throws -> FileHandle {
    try FileHandle(forUpdating: URL(fileURLWithPath: "/proc/\(place.processID)/mem"))
  }

  private func write(_ bytes: [UInt8], at offset: Int) throws {
    let file = try open()
    defer { try? file.close() }
    try file.seek(toOffset: place.address + UInt64(offset))
    try file.write(contentsOf: Data(bytes))
  }
}
