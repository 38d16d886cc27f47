package import Scheduling
package import Wire

/// What happens to a coordinator. Everything that came from a worker carries the rank of the link it came over.
package enum CoordinatorEvent: Sendable {
  case hello(Hello)
  case loadProgress(LoadProgress)
  case ready(Ready)
  case pulse(Pulse)
  case stepResult(StepResult, rank: Int)
  /// A worker gives up.
  case abort(Abort, rank: Int)
  /// The launcher or the link says that a rank is gone; the text says how, for example "was killed by signal 9".
  case rankLost(rank: Int, text: String)
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
  /// Accept the rank: send it its configuration.
  case configure(rank: Int)
  /// Turn a worker away; one sentence.
  case refuse(rank: Int, String)
  /// Bytes over all ranks.
  case loading(bytesDone: UInt64, bytesTotal: UInt64)
  /// Every rank holds its shard: tell all of them where the others listen. Plans follow.
  case introduce
  /// Send the plan to every rank of the replica.
  case sendPlan(StepPlan, replica: Int)
  case refused(RequestID, String)
  case token(EmittedToken)
  case payload(SequencePayload)
  case finished(FinishedSequence)
  /// Send to every rank that is left: the step in flight is void.
  case abortStep(Abort)
  /// The run is over; every request has been finished before.
  case failed(RunFailure)
  /// Draining is done: no request is left.
  case drained
  /// Send to every rank.
  case shutdown(Shutdown)
}

/// Why a run ended.
package struct RunFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The rank to blame, where one is.
  package var rank: Int?
  package var code: Abort.Code
  /// One sentence for the user.
  package var description: String
}
