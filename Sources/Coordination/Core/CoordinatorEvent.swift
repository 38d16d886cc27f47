package import Scheduling
package import Wire

/// What happens to a coordinator. Everything that came from a worker carries the rank of the link it came over and
/// which start of that rank it was; what an earlier one sent is void.
package enum CoordinatorEvent: Sendable {
  case hello(Hello)
  case loadProgress(LoadProgress, incarnation: UInt32 = 0)
  case ready(Ready, incarnation: UInt32 = 0)
  case epochAcknowledged(EpochAcknowledged, incarnation: UInt32 = 0)
  /// A sign of life that came at `at`.
  case pulse(Pulse, incarnation: UInt32 = 0, at: Timestamp)
  /// All pulses that came until then have been reported: silence up to then is silence.
  case pulsesTaken(until: Timestamp)
  case stepResult(StepResult, rank: Int, incarnation: UInt32 = 0)
  /// A worker gives up a step, or itself.
  case abort(Abort, rank: Int, incarnation: UInt32 = 0)
  /// The launcher or the link says that a rank is gone.
  case rankLost(rank: Int, incarnation: UInt32 = 0, RankLoss)
  case submit(GenerationRequest)
  case cancel(RequestID)
  /// A stop text was found in the output of a completion.
  case stop(RequestID, completion: Int)
  /// Take no more requests, finish those that are there.
  case drain
  /// End now.
  case shutdown(String)
  /// Nothing but time.
  case tick
}

/// What a coordinator wants done. Directives are carried out in order.
package enum CoordinatorDirective: Sendable, Hashable {
  /// Accept the rank, or the spare: send it its configuration.
  case configure(rank: Int)
  /// Turn away a worker that said hello; one sentence.
  case refuse(rank: Int, incarnation: UInt32, String)
  /// Bytes over all ranks.
  case loading(bytesDone: UInt64, bytesTotal: UInt64)
  /// The replica is complete: tell its ranks where the others listen. Plans follow.
  case introduce(replica: Int, epoch: Epoch)
  /// All replicas are complete for the first time.
  case serving
  /// Send the plan to every rank of the replica.
  case sendPlan(StepPlan, replica: Int)
  case refused(RequestID, Refusal)
  case token(EmittedToken)
  case payload(SequencePayload)
  case finished(FinishedSequence)

  /// A rank is lost; for the log.
  case lost(rank: Int, incarnation: UInt32, RankLoss)
  /// Make sure that this process of the rank is dead; it may be gone already.
  case stopRank(rank: Int, incarnation: UInt32)
  /// Start the rank again; it joins in the epoch.
  case startRank(rank: Int, incarnation: UInt32, epoch: Epoch)
  /// A spare, by its number after the ranks', takes the rank's place; it joins in the epoch.
  case promote(spare: Int, rank: Int, incarnation: UInt32, epoch: Epoch)
  /// All processes are void: the ranks of another mesh follow.
  case remesh(SmallerMesh, epoch: Epoch)
  /// Send to these ranks: the step in flight is void, a new epoch begins.
  case changeEpoch(EpochChange, ranks: [Int])
  /// A step failed on a rank that lives; it is tried again. One sentence for the log.
  case stepRetried(rank: Int, String)
  /// The replica goes on.
  case recovered(Recovery)

  /// Send to every rank that is left: the step in flight is void and nothing follows.
  case abortStep(Abort)
  /// The run is over; every request has been finished before.
  case failed(RunFailure)
  /// Draining is done: no request is left.
  case drained
  /// Send to every rank.
  case shutdown(Shutdown)
}

extension CoordinatorDirective {
  /// What requests see, and the end of the run: no rank waits for it.
  package var isOutcome: Bool {
    switch self {
    case .refused, .token, .payload, .finished, .failed: true
    default: false
    }
  }
}

/// Why a run ended.
package struct RunFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The rank to blame, where one is.
  package var rank: Int?
  package var code: Abort.Code
  /// One sentence for the user.
  package var description: String
  /// Where the rank ran, when it got as far as telling.
  package var host: String?
  /// How the rank was lost, when that is the reason.
  package var loss: RankLoss?

  package init(
    rank: Int? = nil, code: Abort.Code, description: String, host: String? = nil, loss: RankLoss? = nil
  ) {
    self.rank = rank
    self.code = code
    self.description = description
    self.host = host
    self.loss = loss
  }
}
