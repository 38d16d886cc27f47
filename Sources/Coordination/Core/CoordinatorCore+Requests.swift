internal import Scheduling
internal import Wire

extension CoordinatorCore {
  /// Takes a request, or says why not.
  mutating func submit(_ request: GenerationRequest, _ directives: inout [CoordinatorDirective]) {
    guard isOpen, !isDraining else {
      directives.append(.refused(request.id, Refusal(closedText, kind: .unavailable)))
      return
    }
    guard requests[request.id] == nil else {
      directives.append(.refused(request.id, "\(request.id) exists already"))
      return
    }
    if let problem = request.problem(limits: settings.limits) {
      directives.append(.refused(request.id, Refusal(problem)))
      return
    }
    let first = SequenceID(rawValue: nextSequence)
    nextSequence += UInt64(request.sampling.n)
    place(request, firstSequence: first, &directives)
  }

  /// Gives a request to the replica that suits it best: the same rule as between attention groups.
  mutating func place(
    _ request: GenerationRequest, firstSequence first: SequenceID, _ directives: inout [CoordinatorDirective]
  ) {
    var chosen = 0
    if replicas.count > 1 {
      var best = replicas[0].scheduler.placement(of: request)
      for replica in 1..<replicas.count {
        let candidate = replicas[replica].scheduler.placement(of: request)
        if candidate.isBetter(than: best) { (chosen, best) = (replica, candidate) }
      }
    }
    requests[request.id] = RequestRecord(replica: chosen, firstSequence: first)
    replicas[chosen].scheduler.handle(.submit(request, firstSequence: first), into: &scratch)
    forward(&directives)
  }

  mutating func cancel(_ request: RequestID, _ directives: inout [CoordinatorDirective]) {
    guard let record = requests[request] else { return }
    replicas[record.replica].scheduler.handle(.cancel(request), into: &scratch)
    forward(&directives)
  }

  mutating func stop(_ request: RequestID, _ completion: Int, _ directives: inout [CoordinatorDirective]) {
    guard let record = requests[request], completion >= 0 else { return }
    let sequence = SequenceID(rawValue: record.firstSequence.rawValue + UInt64(completion))
    guard replicas[record.replica].scheduler.request(of: sequence) == request else { return }
    replicas[record.replica].scheduler.handle(.stop(sequence), into: &scratch)
    forward(&directives)
  }

  /// Passes on what a scheduler wants, and forgets requests that are over.
  mutating func forward(_ directives: inout [CoordinatorDirective]) {
    for directive in scratch {
      switch directive {
      case .refused(let request, let refusal):
        requests[request] = nil
        directives.append(.refused(request, withTime(refusal)))
      case .token(let token): directives.append(.token(token))
      case .payload(let payload): directives.append(.payload(payload))
      case .finished(let end):
        statistics.finishedSequences += 1
        if endings.count == Self.mostEndings { endings.removeFirst() }
        endings.append(now)
        if end.isLast { requests[end.request] = nil }
        directives.append(.finished(end))
      }
    }
    scratch.removeAll(keepingCapacity: true)
  }

  private static let mostEndings = 32

  /// A refusal for want of room, with the time after which there is likely some: the time between the latest endings.
  private func withTime(_ refusal: Refusal) -> Refusal {
    guard case .busy = refusal.kind else { return refusal }
    var pause = Duration.seconds(1)
    if let first = endings.first { pause = (now - first) / max(1, endings.count) }
    let seconds = min(60, max(1, Int((pause / .seconds(1)).rounded(.up))))
    return Refusal(
      "\(refusal.text); try again in about \(seconds) s", kind: .busy(retryAfter: .seconds(seconds)))
  }
}
