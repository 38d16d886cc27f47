internal import Scheduling
internal import Wire

/// What the coordinator knows of one rank: the process that plays it now, and how far that has come.
struct Member: Sendable {
  /// Which start of the rank it is; everything from an earlier one is void.
  var incarnation: UInt32 = 0
  /// How often it has been replaced.
  var starts = 0
  var state = State.missing
  var hello: Hello?
  var bytesDone: UInt64 = 0
  var bytesTotal: UInt64 = 0
  /// When it must have done what is asked of it: join, load on, or take up the new epoch.
  var deadline: Timestamp?
  /// The epoch that its process was started in.
  var startedIn = Epoch(rawValue: 0)
  /// The latest epoch that it is known to be in.
  var epoch = Epoch(rawValue: 0)
  /// A spare's process has just become a rank's; the seat is to be filled again.
  var isPromoted = false
  /// When it was lost, within the window of `RestartLimits`.
  var losses: [Timestamp] = []

  /// When it pulsed last; nil before its first pulse.
  var lastPulse: Timestamp?
  var lastPhase: Pulse.Phase?
  var lastProgress: UInt64 = 0
  /// When its progress last changed.
  var progressedAt: Timestamp?

  enum State: Sendable, Hashable {
    /// It will be started again then.
    case paused(until: Timestamp)
    /// Its process has been started and has not said hello.
    case missing
    case loading
    /// Its shard is in memory; a spare can take any rank's place.
    case ready
    /// A spare whose process plays a rank now, or that is given up.
    case used
  }

  /// The next process of the same rank, not started yet.
  func successor(restartAt: Timestamp) -> Member {
    var next = Member()
    next.incarnation = incarnation &+ 1
    next.starts = starts + 1
    next.state = .paused(until: restartAt)
    next.losses = losses
    return next
  }

  /// It has joined and can be told things.
  var hasJoined: Bool { state == .loading || state == .ready }

  /// What its deadline was for, as the end of a sentence.
  func overdue(_ settings: CoordinatorSettings) -> String {
    switch state {
    case .paused: "has not been started"
    case .missing: "has not joined within \(settings.joinDeadline)"
    case .loading: "has made no progress in loading for \(settings.loadDeadline)"
    case .ready: "has not left its step within \(settings.acknowledgeDeadline)"
    case .used: "is of no use"
    }
  }
}
