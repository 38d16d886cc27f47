internal import Coordination
internal import Journaling
internal import Scheduling
internal import Wire

/// What is written down: requests before anything is computed for them, tokens before anyone sees them.
extension MeshEngine {
  /// Writes the requests of a round to the journal; those that it cannot take are refused here.
  func admit(_ batch: inout [CoordinatorEvent], _ observe: (EngineEvent) -> Void) {
    guard let journal else { return }
    var requests: [JournaledRequest] = []
    for case .submit(let request) in batch where request.known.isEmpty {
      requests.append(
        JournaledRequest(id: request.id, promptTokens: request.promptTokens, sampling: request.sampling))
    }
    guard !requests.isEmpty else { return }
    do throws(JournalError) {
      try journal.accept(requests)
    } catch {
      let refusal = Refusal("\(error)", kind: .unavailable)
      for request in requests { observe(.refused(request.id, refusal)) }
      batch.removeAll { event in
        if case .submit(let request) = event { request.known.isEmpty } else { false }
      }
    }
  }

  /// Writes down what came of the requests. Cancellation and failure are no end: the next coordinator goes on.
  func record(_ directives: [CoordinatorDirective]) {
    guard let journal else { return }
    var entries: [JournalProgress] = []
    for directive in directives {
      switch directive {
      case .token(let token):
        entries.append(
          .token(
            token.request, completion: token.completion, index: token.index, token.token, token.logprobs))
      case .finished(let end):
        switch end.cause {
        case .cancelled, .failure: break
        default: entries.append(.ended(end.request, completion: end.completion, end.cause.reason))
        }
      case .refused(let id, _): entries.append(.withdrawn(id))
      default: break
      }
    }
    journal.note(entries)
  }
}
