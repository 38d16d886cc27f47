package import Coordination
package import Scheduling
package import Topology

/// What a running mesh tells the caller.
package enum EngineEvent: Sendable {
  case loading(bytesDone: UInt64, bytesTotal: UInt64)
  case ready
  /// The time that the caller asked to be woken at has come.
  case alarm
  case token(EmittedToken)
  case payload(SequencePayload)
  case finished(FinishedSequence)
  case refused(RequestID, Refusal)
  /// Something happened to the ranks; streams go on by themselves.
  case membership(MembershipEvent)
}

/// One entry of the story of a mesh's ranks.
package struct MembershipEvent: Sendable {
  package enum Kind: Sendable, Hashable {
    case lost(RankLoss)
    case started(processID: Int32?)
    case joined
    case loaded
    case retried(String)
    case recovered(Recovery)
    /// A spare took the rank's place.
    case promoted(spare: Int)
    /// The run goes on with this mesh.
    case remeshed(MeshShape)
  }

  /// Monotonic clock, nanoseconds.
  package var at: Int64
  /// The rank it is about; nil when it is about a whole replica.
  package var rank: Int?
  package var kind: Kind

  package init(at: Int64, rank: Int?, kind: Kind) {
    self.at = at
    self.rank = rank
    self.kind = kind
  }
}
