internal import Foundation
internal import Glibc
package import Scheduling

/// A journal on disk, open for one coordinator alone.
///
/// What is promised: an accepted request is on the disk (`fdatasync`) before anything of it is computed. Tokens are
/// given to the system in the round in which they come, before anyone sees them, and not waited for: the death of the
/// process loses none; a power cut may lose the last ones, and the next coordinator computes them again, the same ones,
/// for they follow from the request. When the file cannot grow, nothing new is accepted; what runs goes on, and its
/// tokens are kept in memory and written as soon as there is room.
package final class JournalFile {
  package let path: String
  private let handle: FileHandle
  /// All before it are whole records.
  private var length: Int
  /// Frames that could not be written yet.
  private var pending = Data()
  /// Why writing fails at present, in the system's words; nil when all is well.
  package private(set) var trouble: String?
  /// More than `maxPendingBytes` could not be written: tokens are left out from then on, and computed again later.
  private var hasGap = false
  static let maxPendingBytes = 64 << 20
  /// Larger files are not read.
  package static let maxBytes = 1 << 30
  /// Gets one line when writing begins to fail, and one when it works again.
  package var notice: (String) -> Void = { _ in }
  /// Texts of prompts that will be accepted, for the record.
  package var texts: [RequestID: String] = [:]

  /// Opens or makes the file, for this process alone.
  ///
  /// - Throws: `JournalError` when it is in use, damaged, not a journal, or cannot be made.
  package static func open(_ path: String) throws(JournalError) -> (
    file: JournalFile, contents: JournalContents
  ) {
    if !FileManager.default.fileExists(atPath: path),
      !FileManager.default.createFile(
        atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
    {
      throw JournalError(
        "the journal \(path) cannot be made (\(words(errno))); give a file in a directory of yours")
    }
    guard let handle = FileHandle(forUpdatingAtPath: path) else {
      throw JournalError("the journal \(path) cannot be opened for writing; check its permissions")
    }
    guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw JournalError(
        "the journal \(path) is in use by another process; wait for its end or give another file")
    }
    let size = (try? handle.seekToEnd()) ?? 0
    guard size <= maxBytes else {
      throw JournalError("the journal \(path) has \(size) bytes; at most \(maxBytes) are read")
    }
    let bytes: [UInt8]
    do {
      try handle.seek(toOffset: 0)
      bytes = [UInt8](try handle.readToEnd() ?? Data())
    } catch {
      throw JournalError("the journal \(path) cannot be read: \(error.localizedDescription)")
    }
    let contents = try JournalContents(bytes: bytes, path: path)
    // A file at its limit (ulimit -f) is an error of the write, not the end of the process.
    _ = signal(SIGXFSZ, SIG_IGN)
    return (JournalFile(path, handle, length: contents.validBytes), contents)
  }

  private init(_ path: String, _ handle: FileHandle, length: Int) {
    self.path = path
    self.handle = handle
    self.length = length
  }

  /// Takes the journal over: cuts off the torn end, and says who writes from here on.
  package func begin(_ opening: JournalOpening) throws(JournalError) {
    var bytes = Data()
    if length == 0 { bytes.append(contentsOf: JournalFormat.magic) }
    bytes.append(contentsOf: JournalFormat.frame(.opened(opening)))
    guard cutBack(), append(bytes), sync() else { throw failure("be taken over") }
    syncDirectory()
  }

  /// Records requests, and waits until they are on the disk.
  ///
  /// - Throws: `JournalError` when that fails; none of them is in the journal then.
  package func accept(_ requests: [JournaledRequest]) throws(JournalError) {
    guard !hasGap, flush() else { throw failure("take a request") }
    var bytes = Data()
    for var request in requests {
      request.text = texts.removeValue(forKey: request.id) ?? request.text
      bytes.append(contentsOf: JournalFormat.frame(.accepted(request)))
    }
    let before = length
    guard append(bytes) else { throw failure("take a request") }
    guard sync() else {
      length = before
      _ = cutBack()
      throw failure("take a request")
    }
  }

  /// Records what came of requests; what cannot be written now is kept.
  package func note(_ entries: [JournalProgress]) {
    guard !entries.isEmpty, !hasGap else { return }
    pending.append(contentsOf: JournalFormat.frame(.progress(entries)))
    if flush() { return }
    if pending.count > Self.maxPendingBytes {
      hasGap = true
      pending = Data()
    }
  }

  /// Waits until everything is on the disk; false when that fails.
  package func sync() -> Bool {
    guard flush() else { return false }
    guard fdatasync(handle.fileDescriptor) == 0 else {
      report(errno)
      return false
    }
    return true
  }

  private func flush() -> Bool {
    guard !pending.isEmpty else { return true }
    guard append(pending) else { return false }
    pending.removeAll(keepingCapacity: true)
    return true
  }

  /// Whole or not at all.
  private func append(_ bytes: Data) -> Bool {
    do {
      try handle.write(contentsOf: bytes)
    } catch {
      let code = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError)?.code
      report(Int32(code ?? Int(errno)))
      _ = cutBack()
      return false
    }
    length += bytes.count
    if trouble != nil {
      trouble = nil
      notice("the journal \(path) is written again; nothing is missing in it")
    }
    return true
  }

  /// Takes away what follows the whole records.
  private func cutBack() -> Bool {
    (try? handle.truncate(atOffset: UInt64(length))) != nil
      && (try? handle.seek(toOffset: UInt64(length))) != nil
  }

  private func report(_ code: Int32) {
    guard trouble == nil else { return }
    trouble = Self.words(code)
    notice(
      "the journal \(path) cannot be written (\(Self.words(code))); what runs goes on, nothing new is accepted"
    )
  }

  private func failure(_ what: String) -> JournalError {
    JournalError(
      "the journal \(path) cannot \(what) (\(trouble ?? "too much is unwritten")); make room there, or run without it"
    )
  }

  /// A new file is found after a power cut only when its directory is on the disk as well.
  private func syncDirectory() {
    let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard let handle = FileHandle(forReadingAtPath: directory) else { return }
    fsync(handle.fileDescriptor)
  }

  private static func words(_ code: Int32) -> String {
    POSIXErrorCode(rawValue: code).map { POSIXError($0).localizedDescription } ?? "error \(code)"
  }
}
