internal import CLinux

/// One ordered pair's ring: slots that name frames, and the memory in which the frames lie.
///
/// Slot `i % slotCount` carries frame i. Its state is `i + 1` while the frame is there and 0 before and after, so a
/// sender that replaces a dead one finds out from the slots alone how far that one came. A frame becomes visible by
/// the store of its state, after all its bytes: a sender that dies half-way has sent nothing.
///
/// Nothing here is trusted: places and lengths are checked against the ring on every read, so that a broken peer can
/// corrupt its own frames (which the frame's header tells) but no other memory.
@safe struct SharedRing {
  private let region: SharedRegion
  private let start: UnsafeMutableRawPointer
  private let dataOffset: Int
  let dataBytes: Int
  /// Where the sender sleeps while the ring is full.
  let space: Doorbell

  init(_ region: SharedRegion, at offset: Int, _ layout: InboxLayout) {
    precondition(offset >= 0 && offset + layout.ringBytes <= region.byteCount, "no ring at \(offset)")
    self.region = region
    unsafe start = unsafe region.base + offset
    dataOffset = layout.dataOffset
    dataBytes = layout.dataBytes
    space = Doorbell(region, offset: offset + 64)
  }

  private func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
    unsafe (start + offset).assumingMemoryBound(to: UInt64.self)
  }

  private func slot(_ index: UInt64) -> UnsafeMutablePointer<UInt64> {
    unsafe word(InboxLayout.pageBytes + Int(index % InboxLayout.slotCount) * InboxLayout.slotBytes)
  }

  /// Who may write: a token of the sender's process.
  var owner: UInt64 {
    get { unsafe linuxLoadAcquire64(word(0)) }
    nonmutating set { unsafe linuxStoreRelease64(word(0), newValue) }
  }

  /// Index of the next frame to be sent; a slot may be further by one when a sender died.
  var writeIndex: UInt64 {
    get { unsafe linuxLoadAcquire64(word(8)) }
    nonmutating set { unsafe linuxStoreRelease64(word(8), newValue) }
  }

  /// Whether frame `index` is there to be taken.
  func holds(_ index: UInt64) -> Bool { unsafe linuxLoadAcquire64(slot(index)) == index + 1 }

  /// Whether the slot of frame `index` is empty.
  func isFree(_ index: UInt64) -> Bool { unsafe linuxLoadAcquire64(slot(index)) == 0 }

  /// Where frame `index` lies, as its sender says; nil when that is not inside the ring.
  func place(of index: UInt64) -> Range<Int>? {
    let offset = unsafe slot(index)[1]
    let byteCount = unsafe slot(index)[2]
    guard offset <= UInt64(dataBytes), byteCount <= UInt64(dataBytes) - offset else { return nil }
    return Int(offset)..<Int(offset + byteCount)
  }

  /// Makes frame `index`, whose bytes are written, visible.
  func publish(_ index: UInt64, at place: Range<Int>) {
    unsafe slot(index)[1] = UInt64(place.lowerBound)
    unsafe slot(index)[2] = UInt64(place.count)
    unsafe linuxStoreRelease64(slot(index), index + 1)
    writeIndex = index + 1
  }

  /// Gives the slot and the bytes of frame `index` back to the sender.
  func release(_ index: UInt64) {
    unsafe linuxStoreRelease64(slot(index), 0)
    space.ring()
  }

  /// Lets the processor rest a moment between two looks.
  static func pause() { linuxPause() }

  /// The bytes at `place`, which `place(of:)` or the sender's own bookkeeping gave.
  func bytes(_ place: Range<Int>) -> UnsafeMutableRawBufferPointer {
    precondition(place.lowerBound >= 0 && place.upperBound <= dataBytes, "\(place) of \(dataBytes)")
    return unsafe UnsafeMutableRawBufferPointer(
      start: start + dataOffset + place.lowerBound, count: place.count)
  }
}

/// A received frame where it lies; the sender gets the place back when this goes.
struct SharedFrame: ~Copyable {
  let ring: SharedRing
  let index: UInt64
  let place: Range<Int>

  deinit { ring.release(index) }
}
