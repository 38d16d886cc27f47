internal import Glibc

/// A private directory (mode 0700) for the sockets of one run, removed when its owner goes.
///
/// It lies in `XDG_RUNTIME_DIR`, or else in /tmp. A lock file held by the owner tells a live directory from one that
/// a killed owner left behind; making a new one sweeps those away. Workers may remove it too, when they find that
/// their coordinator is gone.
package final class RunDirectory: Sendable {
  package let path: String
  private let lock: Int32

  private static let prefix = "meshdecode-"
  private static let lockName = "owner.lock"

  /// - Parameter base: where to make it; nil for the default.
  package init(base: String? = nil) throws(TransportError) {
    let base = base ?? RunDirectory.defaultBase
    RunDirectory.sweep(base)
    // NOTE: a sweep of another process may take a directory away before its lock is held; then the next one is it.
    for _ in 0..<16 {
      guard let (path, lock) = try RunDirectory.claim(base) else { continue }
      self.path = path
      self.lock = lock
      return
    }
    throw TransportError(
      .systemCall, "a private directory in \(base) could not be locked: is someone removing it?")
  }

  /// A new directory and its held lock; nil when it was swept away in between.
  private static func claim(_ base: String) throws(TransportError) -> (path: String, lock: Int32)? {
    var template = Array("\(base)/\(prefix)XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else {
      let number = errno
      throw TransportError(
        .systemCall,
        "no private directory can be made in \(base) (errno \(number)): make it writable, or set "
          + "XDG_RUNTIME_DIR to a directory that is", errno: number)
    }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // The longest name that is ever put here; a path that does not fit is refused now, not rank by rank later.
    guard "\(path)/data-r999999-i9999".utf8.count <= Endpoint.maxPathBytes else {
      remove(path)
      throw TransportError(
        .invalidEndpoint,
        "\(path) is too long for Unix sockets (\(Endpoint.maxPathBytes) bytes at most): "
          + "set XDG_RUNTIME_DIR to a shorter directory")
    }
    let lock = unsafe open("\(path)/\(lockName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0, unsafe access("\(path)/\(lockName)", F_OK) == 0 {
      return (path, lock)
    }
    if lock >= 0 { close(lock) }
    remove(path)
    return nil
  }

  deinit {
    RunDirectory.remove(path)
    close(lock)
  }

  /// The endpoint of a socket file of that name in here.
  package func endpoint(_ name: String) -> Endpoint { .ipc(path: "\(path)/\(name)") }

  /// Removes a run's directory with all socket files in it; harmless when it is gone or not one of ours.
  package static func remove(_ path: String) {
    guard let name = path.split(separator: "/").last, name.hasPrefix(prefix) else { return }
    var details = stat()
    guard unsafe lstat(path, &details) == 0, details.st_mode & S_IFMT == S_IFDIR, details.st_uid == geteuid()
    else { return }
    for entry in entries(of: path) { _ = unsafe unlink("\(path)/\(entry)") }
    _ = unsafe rmdir(path)
  }

  /// `XDG_RUNTIME_DIR` when it is a directory of ours, or /tmp.
  package static var defaultBase: String {
    guard let value = unsafe getenv("XDG_RUNTIME_DIR") else { return "/tmp" }
    let path = unsafe String(cString: value)
    var details = stat()
    guard unsafe stat(path, &details) == 0, details.st_mode & S_IFMT == S_IFDIR,
      unsafe access(path, W_OK) == 0
    else { return "/tmp" }
    return path
  }

  /// Removes the directories in `base` whose owner is gone.
  private static func sweep(_ base: String) {
    for entry in entries(of: base) where entry.hasPrefix(prefix) {
      let path = "\(base)/\(entry)"
      let lock = unsafe open("\(path)/\(lockName)", O_RDWR | O_CLOEXEC)
      guard lock >= 0 else { continue }
      if flock(lock, LOCK_EX | LOCK_NB) == 0 { remove(path) }
      close(lock)
    }
  }

  private static func entries(of path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
