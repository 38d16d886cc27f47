import Foundation
import Glibc
import Synchronization
import TestSupport

/// Everything that goes over the loopback interface while it is open; needs root.
final class PacketCapture: Sendable {
  private let packets = Mutex<[[UInt8]]>([])
  private let isOver = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  /// What keeps it from being made here; nil when nothing does.
  static let obstacle: String? = getuid() == 0 && open() >= 0 ? nil : "needs root and packet sockets"

  private static let protocolAll = Int32(UInt16(0x0003).bigEndian)

  private static func open() -> Int32 {
    let descriptor = socket(AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), protocolAll)
    guard descriptor >= 0 else { return -1 }
    // Every wait is short, so that the end is seen; the buffer holds what comes in between.
    var patience = timeval(tv_sec: 0, tv_usec: 50_000)
    var bytes: Int32 = 256 << 20
    let size = socklen_t(MemoryLayout<timeval>.size)
    guard unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size) == 0,
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, 4) == 0
    else {
      close(descriptor)
      return -1
    }
    return descriptor
  }

  init() throws {
    let descriptor = Self.open()
    guard descriptor >= 0 else { throw HarnessError("no packet socket: errno \(errno)") }
    Thread { [self] in
      var buffer = [UInt8](repeating: 0, count: 1 << 17)
      // What has come by the end is still taken.
      while true {
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 {
          packets.withLock { $0.append(Array(buffer[..<count])) }
        } else if isOver.load(ordering: .sequentiallyConsistent) {
          break
        }
      }
      close(descriptor)
      ended.signal()
    }.start()
  }

  /// Ends it and gives the packets.
  func finish() throws -> [[UInt8]] {
    isOver.store(true, ordering: .sequentiallyConsistent)
    guard ended.wait(timeout: .now() + 30) == .success else { throw HarnessError("the capture does not end") }
    return packets.withLock { $0 }
  }
}
