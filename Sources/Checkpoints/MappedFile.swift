internal import Glibc

/// A regular file mapped read only; one owner, unmapped in `deinit`.
///
/// Pages are shared with every process that maps the same file, and come and go with `prefetch` and
/// `release`. NOTE: a file that another process shortens while it is mapped kills the reader with SIGBUS;
/// checkpoints are not written while they are served.
@safe package struct MappedFile: ~Copyable {
  /// First byte; aligned to a page.
  @unsafe package let base: UnsafeRawPointer
  package let byteCount: Int

  /// - Throws: when the path is no readable regular file or is empty.
  package init(path: String) throws(CheckpointError) {
    let descriptor = try Self.openRegularFile(path)
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      throw CheckpointError.system("examine", path, errno)
    }
    let byteCount = Int(status.st_size)
    guard byteCount > 0 else { throw CheckpointError("\(path) is empty") }
    let mapped = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let pointer = unsafe mapped, unsafe pointer != MAP_FAILED else {
      throw CheckpointError.system("map", path, errno)
    }
    unsafe self.base = UnsafeRawPointer(pointer)
    self.byteCount = byteCount
  }

  deinit {
    _ = unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount)
  }

  /// The whole file.
  package var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      let start = unsafe base.assumingMemoryBound(to: UInt8.self)
      let span = unsafe Span(_unsafeStart: start, count: byteCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Asks the kernel to read these bytes ahead, without waiting for it.
  package func prefetch(_ range: Range<Int>) { advise(range, MADV_WILLNEED) }

  /// Drops these bytes from this process's resident memory; they stay in the page cache and can be read
  /// again.
  package func release(_ range: Range<Int>) { advise(range, MADV_DONTNEED) }

  /// Widens to the 64 KiB around, which is what one page fault maps.
  private func advise(_ range: Range<Int>, _ advice: Int32) {
    let unit = 65536
    let start = max(0, range.lowerBound) / unit * unit
    let end = min(byteCount, (range.upperBound + unit - 1) / unit * unit)
    guard start < end else { return }
    _ = unsafe madvise(UnsafeMutableRawPointer(mutating: base + start), end - start, advice)
  }

  /// Opens without waiting (a pipe would block) and insists on a regular file.
  static func openRegularFile(_ path: String) throws(CheckpointError) -> Int32 {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      guard errno != ENOENT else { throw CheckpointError("\(path) does not exist") }
      throw CheckpointError.system("open", path, errno)
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CheckpointError("\(path) is not a regular file")
    }
    return descriptor
  }
}
