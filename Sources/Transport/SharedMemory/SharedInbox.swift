internal import CLinux
internal import Glibc

/// Sizes of the memory in which one rank receives: a page of its own, then one ring for each sender.
///
/// | part | bytes | holds |
/// |---|---|---|
/// | front page | 4096 | what and whose it is; at 64 the receiver's doorbell |
/// | ring s: control | 4096 | sender's token, its next slot, its doorbell |
/// | ring s: slots | 256 x 64 | state, place and length of a frame |
/// | ring s: data | `dataBytes` | frames, whole, in the order of their slots |
///
/// Memory that was never touched costs nothing, so the data part can be as large as the largest frame allowed.
struct InboxLayout: Sendable, Hashable {
  static let magic: UInt64 = 0x3130_4D48_5344_4D4D
  static let pageBytes = 4096
  static let slotCount: UInt64 = 256
  static let slotBytes = 64
  static let doorbellOffset = 64

  let worldSize: Int
  let dataBytes: Int

  /// - Parameter maxFrameBytes: the longest frame, header included.
  init(worldSize: Int, maxFrameBytes: Int) {
    self.worldSize = worldSize
    dataBytes = (max(maxFrameBytes, 1) + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
  }

  var dataOffset: Int { Self.pageBytes + Int(Self.slotCount) * Self.slotBytes }
  var ringBytes: Int { dataOffset + dataBytes }
  func ringOffset(sender: Int) -> Int { Self.pageBytes + sender * ringBytes }
  var byteCount: Int { Self.pageBytes + worldSize * ringBytes }
}

/// The memory in which one rank receives, as its owner sees it.
final class SharedInbox {
  let layout: InboxLayout
  let descriptor: Int32
  let doorbell: Doorbell
  private let region: SharedRegion

  init(rank: Int, layout: InboxLayout) throws(TransportError) {
    let descriptor = unsafe linuxMakeSharedMemory("meshdecode-r\(rank)", Int64(layout.byteCount))
    guard descriptor >= 0 else {
      let number = errno
      throw TransportError(
        .resourceExhausted,
        "shared memory could not be made (errno \(number)): use --transport ipc", errno: number)
    }
    do {
      region = try SharedRegion(descriptor: descriptor, offset: 0, byteCount: layout.byteCount)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.layout = layout
    doorbell = Doorbell(region, offset: InboxLayout.doorbellOffset)
    unsafe linuxStoreRelease64(region.longWord(8), UInt64(rank))
    unsafe linuxStoreRelease64(region.longWord(16), UInt64(layout.worldSize))
    unsafe linuxStoreRelease64(region.longWord(0), InboxLayout.magic)
  }

  deinit { close(descriptor) }

  /// The ring in which `sender` delivers.
  func ring(of sender: Int) -> SharedRing {
    SharedRing(region, at: layout.ringOffset(sender: sender), layout)
  }

  /// Maps, in the inbox of `peer` at `endpoint`, the front page and the ring of `sender`; nil when that process is
  /// gone or what it has there is no inbox of that rank.
  static func open(
    _ endpoint: Endpoint, of peer: Int, sender: Int, layout: InboxLayout
  ) throws(TransportError) -> (ring: SharedRing, doorbell: Doorbell)? {
    guard case .sharedMemory(let process, let number) = endpoint else {
      throw TransportError(
        .invalidEndpoint, "\(endpoint) is not shared memory: all ranks of a mesh need the same transport",
        endpoint: endpoint.description, peer: peer)
    }
    let descriptor = unsafe linuxOpenSharedMemory("/proc/\(process)/fd/\(number)", Int64(layout.byteCount))
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let front = try SharedRegion(descriptor: descriptor, offset: 0, byteCount: InboxLayout.pageBytes)
    guard unsafe linuxLoadAcquire64(front.longWord(0)) == InboxLayout.magic,
      unsafe linuxLoadAcquire64(front.longWord(8)) == UInt64(peer),
      unsafe linuxLoadAcquire64(front.longWord(16)) == UInt64(layout.worldSize)
    else { return nil }
    let region = try SharedRegion(
      descriptor: descriptor, offset: layout.ringOffset(sender: sender), byteCount: layout.ringBytes)
    return (SharedRing(region, at: 0, layout), Doorbell(front, offset: InboxLayout.doorbellOffset))
  }
}
