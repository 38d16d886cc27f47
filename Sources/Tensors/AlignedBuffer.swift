import Glibc

/// One owner of page-aligned, zero-filled memory straight from the kernel.
///
/// Weights, workspaces and KV pools live in these: a buffer is mapped once at load and never grows. Regions of
/// two MiB and more ask for transparent huge pages, because a decode step streams them from end to end.
@safe package struct AlignedBuffer: ~Copyable {
  /// First byte; aligned to 4096.
  @unsafe package let base: UnsafeMutableRawPointer
  /// Usable bytes.
  package let byteCount: Int

  /// Maps `byteCount` zero bytes (at least one page).
  ///
  /// - Throws: `AllocationError` when the kernel refuses the mapping.
  package init(byteCount: Int) throws(AllocationError) {
    precondition(byteCount >= 0, "byteCount \(byteCount) is negative")
    let length = max(4096, (byteCount + 4095) & ~4095)
    let mapped = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let pointer = unsafe mapped, unsafe pointer != MAP_FAILED else {
      throw AllocationError(byteCount: byteCount, errno: errno)
    }
    if length >= 2 << 20 { _ = unsafe madvise(pointer, length, MADV_HUGEPAGE) }
    unsafe self.base = pointer
    self.byteCount = byteCount
  }

  deinit {
    _ = unsafe munmap(base, max(4096, (byteCount + 4095) & ~4095))
  }

  /// The whole buffer, read only.
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      let span = unsafe RawSpan(_unsafeStart: base, byteCount: byteCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The whole buffer, exclusively.
  package var mutableBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: byteCount)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }
}

/// The kernel refused memory.
package struct AllocationError: Error, Sendable, CustomStringConvertible {
  package let byteCount: Int
  package let errno: Int32

  package var description: String {
    "cannot map \(byteCount) bytes of memory (errno \(errno)); use a smaller model, a shorter --max-model-len or more ranks"
  }
}
