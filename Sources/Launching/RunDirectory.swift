internal import Foundation
internal import Glibc

/// The private directory of one run: the sockets of its ranks live here and nowhere else.
///
/// Mode 0700, named after its coordinator (process id and start time), gone after the run however it ended:
/// the coordinator removes it, orphaned ranks remove it, and the next run sweeps what a power cut left.
package struct RunDirectory: Sendable {
  private static let prefix = "md-"
  /// A Unix socket path holds 107 bytes; this many are kept for the directory, the rest for socket names.
  static let maxPathBytes = 75

  /// Absolute path.
  package let path: String

  /// Makes a fresh directory under `base` and sweeps those of dead coordinators there.
  ///
  /// `base`: empty for `$XDG_RUNTIME_DIR`, else `$TMPDIR`, else `/tmp`.
  /// Throws: `LaunchError` naming the path and what to do.
  package static func create(base: String = "") throws(LaunchError) -> RunDirectory {
    let base = base.isEmpty ? defaultBase() : base
    sweep(base: base)
    guard let owner = ProcessIdentity.current else {
      throw LaunchError("/proc is not readable, so this process cannot be told from others; mount /proc")
    }
    let random = String(UInt32.random(in: .min ... .max), radix: 36)
    let path = URL(fileURLWithPath: base).path + "/\(prefix)\(owner.pid)-\(owner.startTicks)-\(random)"
    guard path.utf8.count <= maxPathBytes else {
      throw LaunchError(
        "the run directory \(path) has \(path.utf8.count) bytes, more than the \(maxPathBytes) that leave "
          + "room for socket names; give a shorter --run-directory")
    }
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    } catch {
      throw LaunchError(
        "the run directory cannot be made in \(base); give a --run-directory that exists and is writable")
    }
    let directory = RunDirectory(path: path)
    TerminationSignals.remember(directory)
    return directory
  }

  /// A directory that another process made, for ranks.
  package init(existing path: String) { self.path = path }

  private init(path: String) { self.path = path }

  /// Path of a file in it.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Removes it with everything inside; safe to call by several processes and again.
  package func remove() {
    // Again while other ranks make or remove files inside, each of which ends the attempt with an error.
    for _ in 0..<200 where FileManager.default.fileExists(atPath: path) {
      if (try? FileManager.default.removeItem(atPath: path)) == nil { usleep(1000) }
    }
    TerminationSignals.forget(self)
  }

  /// Removes the directories under `base` that belong to this user and whose coordinator is dead.
  package static func sweep(base: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    for name in names {
      guard let owner = owner(ofDirectory: name), !owner.isAlive else { continue }
      let path = URL(fileURLWithPath: base).path + "/" + name
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      // `attributesOfItem` does not follow links, so a link is never taken for a directory.
      guard attributes?[.type] as? FileAttributeType == .typeDirectory,
        (attributes?[.ownerAccountID] as? NSNumber)?.uint32Value == getuid()
      else { continue }
      RunDirectory(path: path).remove()
    }
  }

  /// The coordinator that a directory name tells of; nil for names of other kinds.
  static func owner(ofDirectory name: String) -> ProcessIdentity? {
    guard name.hasPrefix(prefix) else { return nil }
    let parts = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let pid = Int32(parts[0]), pid > 0, let ticks = UInt64(parts[1]) else {
      return nil
    }
    return ProcessIdentity(pid: pid, startTicks: ticks)
  }

  private static func defaultBase() -> String {
    let environment = ProcessInfo.processInfo.environment
    for name in ["XDG_RUNTIME_DIR", "TMPDIR"] {
      if let base = environment[name], base.hasPrefix("/"), FileManager.default.isWritableFile(atPath: base) {
        return base
      }
    }
    return "/tmp"
  }
}
