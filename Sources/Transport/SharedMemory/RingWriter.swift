/// The sending end of one ring: chooses where frames lie.
///
/// Frames are laid out one after the other and freed in order. Whenever the bytes before the oldest frame suffice, the
/// next one goes to the front again: a pair that exchanges one frame at a time uses the same few pages, which stay in
/// cache, whatever the size of the ring.
final class RingWriter {
  let endpoint: Endpoint
  private let ring: SharedRing
  private let doorbell: Doorbell
  private let token: UInt64
  /// Frames `oldest ..< next` may still be in use by the receiver.
  private var oldest: UInt64
  private var next: UInt64
  /// First byte of each of them, by slot.
  private var starts: [Int]
  /// End of the newest one.
  private var head = 0

  /// Takes the ring over, from a dead sender too: what that one sent stays there until it is read.
  init(endpoint: Endpoint, ring: SharedRing, doorbell: Doorbell, token: UInt64) {
    self.endpoint = endpoint
    self.ring = ring
    self.doorbell = doorbell
    self.token = token
    ring.owner = token
    var next = ring.writeIndex
    while ring.holds(next) { next += 1 }
    ring.writeIndex = next
    starts = Array(repeating: 0, count: Int(InboxLayout.slotCount))
    // Frames are freed one by one and not always in order: the oldest that is left bounds what is in use.
    var oldest = next
    for age in 1...InboxLayout.slotCount where age <= next && ring.holds(next - age) { oldest = next - age }
    for index in oldest..<next {
      let place = ring.place(of: index) ?? 0..<0
      starts[Int(index % InboxLayout.slotCount)] = place.lowerBound
      head = (max(place.upperBound, 1) + 63) / 64 * 64
    }
    self.oldest = oldest
    self.next = next
  }

  /// Whether another process has taken this ring over: then this one was declared dead and must not write.
  var isDisowned: Bool { ring.owner != token }

  /// Where a frame of `byteCount` bytes may be written now; nil while the ring is full.
  func reserve(_ byteCount: Int) -> Range<Int>? {
    while oldest < next, ring.isFree(oldest) { oldest += 1 }
    guard next - oldest < InboxLayout.slotCount else { return nil }
    guard oldest < next else { return 0..<byteCount }
    let tail = starts[Int(oldest % InboxLayout.slotCount)]
    // The bytes in use are tail ..< head, or, once around, tail ..< end and 0 ..< head.
    let isAround = head <= tail
    if !isAround, byteCount <= tail { return 0..<byteCount }
    let end = isAround ? tail : ring.dataBytes
    return head + byteCount <= end ? head..<head + byteCount : nil
  }

  /// Fills a reserved place and hands the frame to the receiver.
  func send(_ place: Range<Int>, _ fill: (inout MutableSpan<UInt8>) -> Void) {
    let buffer = unsafe ring.bytes(place).assumingMemoryBound(to: UInt8.self)
    var frame = unsafe buffer.mutableSpan
    fill(&frame)
    starts[Int(next % InboxLayout.slotCount)] = place.lowerBound
    // Whole cache lines, so that neighbours never share one.
    head = min((place.upperBound + 63) / 64 * 64, ring.dataBytes)
    ring.publish(next, at: place)
    next += 1
    doorbell.ring()
  }

  /// Sleeps until a frame was taken, at most `nanoseconds`.
  func waitForSpace(_ byteCount: Int, atMost nanoseconds: Int64) {
    ring.space.sleep(atMost: nanoseconds) { reserve(byteCount) != nil }
  }
}
