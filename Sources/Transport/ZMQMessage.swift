internal import CZeroMQ
internal import Glibc

/// One owned ZeroMQ message: reference-counted bytes that move between sockets and threads without a copy.
///
/// The 64-byte `zmq_msg_t` lives in a heap cell because libzmq may keep short messages inside it, so it must not move.
@safe package struct ZMQMessage: ~Copyable {
  @unsafe let cell: UnsafeMutablePointer<zmq_msg_t>

  /// An empty message, to receive into.
  init() {
    unsafe cell = .allocate(capacity: 1)
    unsafe zmq_msg_init(cell)
  }

  /// An uninitialised message of `byteCount` bytes.
  init(byteCount: Int) throws(TransportError) {
    precondition(byteCount >= 0, "byteCount \(byteCount) is negative")
    let cell = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
    guard unsafe zmq_msg_init_size(cell, byteCount) == 0 else {
      let error = TransportError.lastCall("zmq_msg_init_size of \(byteCount) bytes")
      unsafe cell.deallocate()
      throw error
    }
    unsafe self.cell = unsafe cell
  }

  /// Takes over a cell that `release()` gave away.
  init(adopting cell: UnsafeMutablePointer<zmq_msg_t>) {
    unsafe self.cell = unsafe cell
  }

  /// A copy of `bytes`.
  package init(copying bytes: Span<UInt8>) throws(TransportError) {
    self = try ZMQMessage(byteCount: bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      unsafe memcpy(zmq_msg_data(cell), base, source.count)
    }
  }

  deinit {
    unsafe zmq_msg_close(cell)
    unsafe cell.deallocate()
  }

  /// Gives the cell away; whoever takes it must adopt it again.
  consuming func release() -> UnsafeMutablePointer<zmq_msg_t> {
    let cell = unsafe self.cell
    discard self
    return unsafe cell
  }

  /// Makes this an uninitialised message of `byteCount` bytes, in the same cell.
  mutating func reset(byteCount: Int) throws(TransportError) {
    precondition(byteCount >= 0, "byteCount \(byteCount) is negative")
    unsafe zmq_msg_close(cell)
    guard unsafe zmq_msg_init_size(cell, byteCount) == 0 else {
      let error = TransportError.lastCall("zmq_msg_init_size of \(byteCount) bytes")
      unsafe zmq_msg_init(cell)
      throw error
    }
  }

  package var byteCount: Int { unsafe zmq_msg_size(cell) }

  /// More parts of the same message follow.
  var hasMore: Bool { unsafe zmq_msg_more(cell) != 0 }

  /// The content where it lies; it stays there as long as the message lives.
  @unsafe var content: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: zmq_msg_data(cell), count: zmq_msg_size(cell))
  }

  /// The content, valid as long as the message is.
  package var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      let start = unsafe zmq_msg_data(cell)!.assumingMemoryBound(to: UInt8.self)
      let span = unsafe Span(_unsafeStart: start, count: zmq_msg_size(cell))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The content of a message that was not sent yet, exclusively.
  package var mutableBytes: MutableSpan<UInt8> {
    @_lifetime(&self)
    mutating get {
      let start = unsafe zmq_msg_data(cell)!.assumingMemoryBound(to: UInt8.self)
      let span = unsafe MutableSpan(_unsafeStart: start, count: zmq_msg_size(cell))
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// The name under which the gatekeeper let the sender in; nil on plain connections.
  var guestName: String? {
    unsafe zmq_msg_gets(cell, "User-Id").map { unsafe String(cString: $0) }
  }

  /// The sender's network address as ZeroMQ saw it; nil on `ipc://` and between threads.
  package var peerAddress: String? {
    unsafe zmq_msg_gets(cell, "Peer-Address").map { unsafe String(cString: $0) }
  }
}
