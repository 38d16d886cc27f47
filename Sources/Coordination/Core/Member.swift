internal import Scheduling
internal import Wire

/// What the coordinator knows of one rank.
struct Member: Sendable {
  var state = State.missing
  var hello: Hello?
  var bytesDone: UInt64 = 0
  var bytesTotal: UInt64 = 0
  /// When loading must have come further.
  var loadDeadline: Timestamp?
  /// When it pulsed last; nil before its first pulse.
  var lastPulse: Timestamp?
  var lastPhase: Pulse.Phase?

  enum State: Sendable, Hashable {
    case missing
    case loading
    case ready
  }

  /// When the member's silence ends the run, while ranks join.
  func deadline(_ joinDeadline: Timestamp) -> Timestamp? {
    switch state {
    case .missing: joinDeadline
    case .loading: loadDeadline
    case .ready: nil
    }
  }
}
