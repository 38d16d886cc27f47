package import Collectives
internal import Wire

/// Why a worker cannot go on.
package enum WorkerError: Error, Sendable, CustomStringConvertible {
  /// A plan that does not fit this worker: coordinator and worker disagree.
  case badPlan(String)
  case collective(CollectiveError)
  /// A value that is not a number where one is needed.
  case numeric(String)
  /// A rank holds other activations than its attention group.
  case diverged(rank: Int, String)
  /// Model, checkpoint, memory or connection trouble before the first step.
  case startup(String)

  package var description: String {
    switch self {
    case .badPlan(let what): "the step plan does not fit this worker: \(what)"
    case .collective(let error): "\(error)"
    case .startup(let what), .numeric(let what), .diverged(_, let what): what
    }
  }

  /// The rank at fault, where another one is.
  var peer: Int? {
    switch self {
    case .collective(let error): error.peer
    case .diverged(let rank, _): rank
    default: nil
    }
  }

  /// The operation of the step that failed; 0 where it is none.
  var operation: UInt32 {
    if case .collective(let error) = self { error.place.sequence } else { 0 }
  }

  /// How the coordinator classifies it.
  var abortCode: Abort.Code {
    switch self {
    case .badPlan: .malformedMessage
    case .collective(let error):
      switch error.code {
      case .deadlineExceeded: .collectiveDeadline
      case .malformedFrame, .sizeMismatch, .unexpectedFrame, .tooManyEarlyFrames: .malformedMessage
      case .interrupted, .transport: .peerLost
      }
    case .numeric, .diverged: .numeric
    case .startup: .badConfiguration
    }
  }
}
