internal import Collectives

/// Transfers of one exchange while it is being planned; empty ones are left out on both sides alike.
///
/// Lists keep their memory: filling one again for a step that is not larger than those before allocates nothing.
struct TransferList {
  private var sends: [Transfer] = []
  private var receives: [Transfer] = []
  /// The plan for the communicator as of the last `finish`, pieces for one peer joined in one frame.
  private(set) var plan = ExchangePlan(sends: [], receives: [])

  mutating func removeAll() {
    sends.removeAll(keepingCapacity: true)
    receives.removeAll(keepingCapacity: true)
  }

  mutating func send(to peer: Int, byteOffset: Int, byteCount: Int) {
    if byteCount > 0 { sends.append(Transfer(peer: peer, byteOffset: byteOffset, byteCount: byteCount)) }
  }

  /// Makes sure that `peer` gets a frame, even if nothing else is sent to it.
  mutating func announce(to peer: Int, byteOffset: Int) {
    sends.append(Transfer(peer: peer, byteOffset: byteOffset, byteCount: 0))
  }

  mutating func receive(from peer: Int, byteOffset: Int, byteCount: Int) {
    if byteCount > 0 { receives.append(Transfer(peer: peer, byteOffset: byteOffset, byteCount: byteCount)) }
  }

  /// All transfers are listed: makes the plan.
  mutating func finish(sizes: ExchangePlan.ReceiveSizes = .exact) {
    plan.set(sends: sends, receives: receives, receiveSizes: sizes)
  }
}
