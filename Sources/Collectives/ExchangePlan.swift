package import Transport

/// Bytes that go to or come from one peer: a range of the workspace.
package struct Transfer: Sendable, Hashable, BitwiseCopyable {
  /// World rank.
  package var peer: Int
  package var byteOffset: Int
  package var byteCount: Int

  package init(peer: Int, byteOffset: Int, byteCount: Int) {
    precondition(peer >= 0 && byteOffset >= 0 && byteCount >= 0, "peer \(peer), \(byteOffset) + \(byteCount)")
    self.peer = peer
    self.byteOffset = byteOffset
    self.byteCount = byteCount
  }
}

/// What one rank sends and receives in one exchange: exactly one frame to or from each peer named.
///
/// Several transfers of one peer share its frame, in the order given. A transfer of no bytes still makes a frame.
/// Plans are made once and used for many steps; making one allocates, using it does not, and `set` uses the memory that
/// the plan has.
package struct ExchangePlan: Sendable, Hashable {
  /// One frame: its peer, its pieces and its payload bytes.
  package struct Frame: Sendable, Hashable {
    package let peer: Int
    package let pieces: Range<Int>
    package let byteCount: Int
  }

  /// Whether a received frame must have exactly the planned size, or may have fewer bytes.
  package enum ReceiveSizes: Sendable, Hashable {
    case exact
    /// The planned size is the room there is; one transfer for each peer. For data-dependent dispatch.
    case upTo
  }

  package private(set) var sends: [Frame] = []
  package private(set) var receives: [Frame] = []
  package private(set) var receiveSizes = ReceiveSizes.exact
  package private(set) var sendPieces: [MemoryPiece] = []
  private(set) var receivePieces: [MemoryPiece] = []
  /// Bytes of workspace that the plan reaches.
  package private(set) var memoryBytes = 0

  package init(sends: [Transfer], receives: [Transfer], receiveSizes: ReceiveSizes = .exact) {
    set(sends: sends, receives: receives, receiveSizes: receiveSizes)
  }

  /// Makes this the plan of these transfers.
  package mutating func set(sends: [Transfer], receives: [Transfer], receiveSizes: ReceiveSizes = .exact) {
    self.receiveSizes = receiveSizes
    memoryBytes = 0
    for transfer in sends { memoryBytes = max(memoryBytes, transfer.byteOffset + transfer.byteCount) }
    for transfer in receives { memoryBytes = max(memoryBytes, transfer.byteOffset + transfer.byteCount) }
    ExchangePlan.group(sends, into: &self.sends, &sendPieces)
    ExchangePlan.group(receives, into: &self.receives, &receivePieces)
    precondition(
      receiveSizes == .exact || self.receives.allSatisfy { $0.pieces.count == 1 },
      "a frame of variable size needs one contiguous place")
  }

  /// Frames and payload bytes that `rank` sends: what its link's counters rise by.
  package func cost(of rank: Int) -> CollectiveCost {
    let frames = sends.filter { $0.peer != rank }
    return CollectiveCost(
      rounds: 1, messages: frames.count, payloadBytes: frames.reduce(0) { $0 + $1.byteCount })
  }

  /// Transfers by peer, peers in order of their first transfer.
  private static func group(
    _ transfers: [Transfer], into frames: inout [Frame], _ pieces: inout [MemoryPiece]
  ) {
    frames.removeAll(keepingCapacity: true)
    pieces.removeAll(keepingCapacity: true)
    var first = 0
    while first < transfers.count {
      let peer = transfers[first].peer
      if frames.contains(where: { $0.peer == peer }) {
        first += 1
        continue
      }
      // Nearly always the transfers of one peer follow each other; the scan goes on for those that do not.
      let start = pieces.count
      var byteCount = 0
      var next = first
      var run = first
      while next < transfers.count {
        if transfers[next].peer == peer {
          pieces.append(
            MemoryPiece(offset: transfers[next].byteOffset, byteCount: transfers[next].byteCount))
          byteCount += transfers[next].byteCount
          if next == run { run += 1 }
        }
        next += 1
      }
      frames.append(Frame(peer: peer, pieces: start..<pieces.count, byteCount: byteCount))
      first = run
    }
  }
}
