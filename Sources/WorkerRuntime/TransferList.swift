internal import Collectives

/// Transfers of one exchange while it is being planned; empty ones are left out on both sides alike.
struct TransferList {
  private var sends: [Transfer] = []
  private var receives: [Transfer] = []

  var isEmpty: Bool { sends.isEmpty && receives.isEmpty }

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

  /// The plan for the communicator, pieces for one peer joined in one frame.
  func plan(sizes: ExchangePlan.ReceiveSizes = .exact) -> ExchangePlan {
    ExchangePlan(sends: sends, receives: receives, receiveSizes: sizes)
  }
}
