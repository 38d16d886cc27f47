package import Tensors

// What the main thread reads and copies between operations; offsets are checked against the arena.
extension StepMemory {
  private func check(_ region: Region, bytes: Int) -> UnsafeMutableRawPointer {
    precondition(region.arena == .workspace, "only the workspace is read between operations")
    precondition(
      region.byteOffset >= 0 && bytes >= 0 && region.byteOffset + bytes <= workspace.byteCount,
      "\(region.byteOffset) + \(bytes) bytes outside a workspace of \(workspace.byteCount)")
    return unsafe workspace.base + region.byteOffset
  }

  /// Calls `body` with `count` floats at `region`.
  package func withFloats<Result>(_ region: Region, count: Int, _ body: (Span<Float>) -> Result) -> Result {
    withWords(region, count: count, body)
  }

  /// Calls `body` with `count` 32-bit integers at `region`.
  package func withInts<Result>(_ region: Region, count: Int, _ body: (Span<Int32>) -> Result) -> Result {
    withWords(region, count: count, body)
  }

  @inline(__always)
  private func withWords<Word: BitwiseCopyable, Result>(
    _ region: Region, count: Int, _ body: (Span<Word>) -> Result
  ) -> Result {
    let base = unsafe check(region, bytes: 4 * count).assumingMemoryBound(to: Word.self)
    return body(unsafe Span(_unsafeStart: base, count: count))
  }

  /// Calls `body` with the whole workspace, exclusively: exchanges read and write it.
  package func withWorkspace<Failure: Error>(
    _ body: (inout MutableRawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let whole = unsafe UnsafeMutableRawBufferPointer(start: workspace.base, count: workspace.byteCount)
    var span = unsafe whole.mutableBytes
    try body(&span)
  }

  /// Copies bytes in.
  package func store(_ bytes: [UInt8], at region: Region) {
    let target = unsafe check(region, bytes: bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      unsafe target.copyMemory(from: base, byteCount: bytes.count)
    }
  }

  /// Writes the CRC-32C of `byteCount` bytes at `source` to `target`, as one word.
  package func store(checksumOf source: Region, byteCount: Int, at target: Region) {
    let base = unsafe check(source, bytes: byteCount).assumingMemoryBound(to: UInt8.self)
    let checksum = HardwareChecksum.crc32c(unsafe Span(_unsafeStart: base, count: byteCount), 0)
    unsafe check(target, bytes: 4).storeBytes(of: checksum, as: UInt32.self)
  }

  /// Copies bytes out.
  package func bytes(_ region: Region, count: Int) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: check(region, bytes: count), count: count))
  }

  /// Moves `count` 4-byte elements inside the workspace; the places may overlap.
  package func move(floats count: Int, from source: Region, to target: Region) {
    unsafe check(target, bytes: 4 * count).copyMemory(
      from: check(source, bytes: 4 * count), byteCount: 4 * count)
  }
}
