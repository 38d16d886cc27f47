package import Transport
package import Wire

/// Which collective a frame or an error belongs to.
package enum CollectiveOperation: String, Sendable, Hashable, CaseIterable {
  case exchange
  case allReduce = "all-reduce"
  case reduceScatter = "reduce-scatter"
  case allGather = "all-gather"
  case allToAll = "all-to-all"
  case broadcast
  case barrier
}

/// Where in the run an exchange happens; the same on all its ranks.
///
/// Places rise from one exchange to the next on every rank, which is how a late frame is told from an early one.
package struct ExchangePlace: Sendable, Hashable, Comparable {
  package var step: StepNumber
  /// The operation within the step.
  package var sequence: UInt32
  /// The round within the operation.
  package var round: UInt32

  package init(step: StepNumber, sequence: UInt32, round: UInt32 = 0) {
    self.step = step
    self.sequence = sequence
    self.round = round
  }

  package static func < (left: ExchangePlace, right: ExchangePlace) -> Bool {
    (left.step.rawValue, left.sequence, left.round) < (right.step.rawValue, right.sequence, right.round)
  }
}

/// Why a collective did not complete. The memory it wrote to is then undefined; the epoch has to change.
package struct CollectiveError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Hashable {
    /// Some peers' frames did not come in time; `missing` names them.
    case deadlineExceeded
    /// The wait was interrupted: an abort came from the coordinator.
    case interrupted
    /// A frame whose size differs from the plan's.
    case sizeMismatch
    /// A frame that was corrupted or is not well formed.
    case malformedFrame
    /// A frame from a rank that has no part in the operation.
    case unexpectedFrame
    /// A peer ran too far ahead: more early frames than are kept.
    case tooManyEarlyFrames
    /// The transport failed.
    case transport
  }

  package var code: Code
  package var operation: CollectiveOperation
  /// The rank that the error happened on.
  package var rank: Int
  /// The rank at fault, where known.
  package var peer: Int?
  package var epoch: Epoch
  package var place: ExchangePlace
  /// Time spent in the operation so far.
  package var waited: Duration
  /// Peers whose frames had not come yet.
  package var missing: [Int]
  package var detail: String
  package var underlying: TransportError?

  package var description: String {
    let milliseconds =
      waited.components.seconds * 1000 + waited.components.attoseconds / 1_000_000_000_000_000
    return
      "\(operation.rawValue) on rank \(rank) failed after \(milliseconds) ms at \(epoch), \(place.step), "
      + "operation \(place.sequence): \(detail)"
  }
}
