internal import Foundation

/// A memory cgroup without memory: the kernel kills a process in it when it needs the next page.
///
/// For root, where cgroups of version 1 or 2 hold the memory controller.
final class MemoryLimitDoor {
  private let directory: URL
  private static let limitBytes = 0

  /// - Throws: one sentence when this host has no such cgroups for this user.
  init(processID: Int32) throws {
    let name = "meshdecode-drill-\(ProcessInfo.processInfo.processIdentifier)-\(processID)"
    guard let (root, key) = Self.controller else {
      throw FaultPlanError("out-of-memory needs root and a memory cgroup, which this host does not offer")
    }
    directory = root.appendingPathComponent(name)
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
      try Self.write("\(Self.limitBytes)", directory.appendingPathComponent(key))
      try Self.write("\(processID)", directory.appendingPathComponent("cgroup.procs"))
    } catch {
      try? FileManager.default.removeItem(at: directory)
      throw FaultPlanError("process \(processID) cannot be put into a memory cgroup: \(error)")
    }
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  /// Whether this host has what the door needs.
  static var isAvailable: Bool { controller != nil && geteuid() == 0 }

  private static var controller: (root: URL, key: String)? {
    let old = URL(fileURLWithPath: "/sys/fs/cgroup/memory")
    if FileManager.default.fileExists(atPath: old.appendingPathComponent("memory.limit_in_bytes").path) {
      return (old, "memory.limit_in_bytes")
    }
    let new = URL(fileURLWithPath: "/sys/fs/cgroup")
    let controllers = try? String(
      contentsOf: new.appendingPathComponent("cgroup.subtree_control"), encoding: .utf8)
    return controllers?.contains("memory") == true ? (new, "memory.max") : nil
  }

  private static func write(_ text: String, _ file: URL) throws {
    let handle = try FileHandle(forWritingTo: file)
    defer { try? handle.close() }
    try handle.write(contentsOf: Data(text.utf8))
  }
}
