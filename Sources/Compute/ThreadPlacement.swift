import CLinux
import Glibc

/// Names and CPUs of threads.
package enum ThreadPlacement {
  /// CPUs that the calling thread may run on, ascending.
  package static func allowedCPUs() -> [Int] {
    var mask = [UInt64](repeating: 0, count: 128)
    let bytes = unsafe mask.withUnsafeMutableBufferPointer { unsafe linuxGetAffinity($0.baseAddress!, 128) }
    guard bytes > 0 else { return [0] }
    return (0..<bytes * 8).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
  }

  /// Lets the calling thread run on `cpus` only.
  ///
  /// - Throws: `ThreadTeamError` when a CPU does not exist or is forbidden.
  package static func pinCallingThread(to cpus: [Int]) throws(ThreadTeamError) {
    var mask = [UInt64](repeating: 0, count: 128)
    for cpu in cpus {
      guard cpu >= 0 && cpu < 8192 else {
        throw ThreadTeamError(operation: "pin a thread to CPU \(cpu), outside 0..<8192", errno: EINVAL)
      }
      mask[cpu / 64] |= 1 << UInt64(cpu % 64)
    }
    let code = unsafe mask.withUnsafeBufferPointer { unsafe linuxSetAffinity($0.baseAddress!, 128) }
    guard code == 0 else {
      throw ThreadTeamError(
        operation: "pin a thread to CPUs \(cpus); allowed are \(allowedCPUs())", errno: Glibc.errno)
    }
  }

  /// `meshdecode-r<rank>-t<member>`, the word cut so that the whole fits in the 15 bytes that Linux keeps.
  package static func threadName(rank: Int, member: Int) -> String {
    let suffix = "-r\(rank)-t\(member)"
    return String("meshdecode".prefix(max(1, 15 - suffix.utf8.count))) + suffix
  }

  /// Names the calling thread, as `ps -L` and `top -H` show it.
  package static func nameCallingThread(_ name: String) {
    _ = unsafe name.withCString { unsafe linuxSetThreadName($0) }
  }

  /// The calling thread's name.
  package static func callingThreadName() -> String {
    var bytes = [CChar](repeating: 0, count: 17)
    _ = unsafe bytes.withUnsafeMutableBufferPointer { unsafe linuxGetThreadName($0.baseAddress!) }
    return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A thread could not be made or placed.
package struct ThreadTeamError: Error, Sendable, CustomStringConvertible {
  package let operation: String
  package let errno: Int32

  package var description: String {
    "cannot \(operation) (errno \(errno)); use fewer --threads-per-worker or other CPUs"
  }
}
