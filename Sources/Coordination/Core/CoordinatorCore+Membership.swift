internal import Scheduling
internal import Wire

extension CoordinatorCore {
  /// A worker says who it is: it is configured, or turned away with a sentence.
  mutating func join(_ hello: Hello, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(hello.rank)
    if let problem = objection(to: hello) {
      directives.append(.refuse(rank: rank, problem))
      return
    }
    members[rank].state = .loading
    members[rank].hello = hello
    members[rank].loadDeadline = now + settings.loadDeadline
    directives.append(.configure(rank: rank))
  }

  private func objection(to hello: Hello) -> String? {
    guard hello.protocolVersion == Hello.currentProtocolVersion else {
      return
        "rank \(hello.rank) on \(hello.hostName) speaks protocol \(hello.protocolVersion), the coordinator"
        + " \(Hello.currentProtocolVersion); start both from the same build"
    }
    guard hello.buildID == settings.buildID else {
      return "rank \(hello.rank) on \(hello.hostName) is build \(hello.buildID), the coordinator"
        + " \(settings.buildID); start both from the same build"
    }
    guard hello.rank < UInt32(members.count) else {
      return "rank \(hello.rank) is not on this mesh; ranks are 0 to \(members.count - 1)"
    }
    if let known = members[Int(hello.rank)].hello {
      return "rank \(hello.rank) is taken by process \(known.processID) on \(known.hostName)"
    }
    return nil
  }

  mutating func load(_ progress: LoadProgress, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(progress.rank)
    guard members.indices.contains(rank), members[rank].state == .loading else { return }
    if progress.bytesDone > members[rank].bytesDone {
      members[rank].loadDeadline = now + settings.loadDeadline
    }
    members[rank].bytesDone = progress.bytesDone
    members[rank].bytesTotal = progress.bytesTotal
    let done = members.reduce(UInt64(0)) { $0.addingSaturated($1.bytesDone) }
    let total = members.reduce(UInt64(0)) { $0.addingSaturated($1.bytesTotal) }
    directives.append(.loading(bytesDone: done, bytesTotal: total))
  }

  mutating func becomeReady(_ ready: Ready, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(ready.rank)
    guard members.indices.contains(rank), members[rank].state == .loading, ready.epoch == epoch else {
      return
    }
    guard Int(ready.numPages) >= settings.limits.pagesPerGroup else {
      fail(
        RunFailure(
          rank: rank, code: .outOfMemory,
          description:
            "rank \(rank) has room for \(ready.numPages) KV pages, \(settings.limits.pagesPerGroup) are"
            + " needed; lower --max-model-len or --max-num-seqs"),
        &directives)
      return
    }
    members[rank].state = .ready
    members[rank].loadDeadline = nil
    guard phase == .joining, members.allSatisfy({ $0.state == .ready }) else { return }
    phase = .serving
    directives.append(.introduce)
  }

  mutating func note(_ pulse: Pulse, _ now: Timestamp) {
    let rank = Int(pulse.rank)
    guard members.indices.contains(rank), pulse.epoch == epoch else { return }
    members[rank].lastPulse = now
    members[rank].lastPhase = pulse.phase
    if pulseCheck == nil { pulseCheck = now + silenceLimit }
  }

  private var silenceLimit: Duration { settings.pulsePeriod * 2 }

  /// A rank is gone, and with it the run.
  mutating func lose(
    _ rank: Int, _ code: Abort.Code, _ text: String, _ directives: inout [CoordinatorDirective]
  ) {
    guard members.indices.contains(rank) else { return }
    fail(RunFailure(rank: rank, code: code, description: "\(name(rank)) \(text)"), &directives)
  }

  /// The rank in words, with its host and process where known.
  func name(_ rank: Int) -> String {
    guard let hello = members[rank].hello else { return "rank \(rank)" }
    return "rank \(rank) (process \(hello.processID) on \(hello.hostName))"
  }

  /// Looks for ranks that are late to join, stuck in loading, or silent.
  mutating func checkMembers(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    if phase == .joining {
      for rank in members.indices {
        guard let deadline = members[rank].deadline(joinDeadline), deadline <= now else { continue }
        let text =
          members[rank].state == .missing
          ? "has not joined within \(settings.joinDeadline)"
          : "has made no progress in loading for \(settings.loadDeadline)"
        lose(rank, .failure, text, &directives)
        return
      }
    }
    guard let check = pulseCheck, check <= now else { return }
    var next: Timestamp?
    for rank in members.indices {
      guard let last = members[rank].lastPulse else { continue }
      let limit = last + silenceLimit
      if limit <= now {
        let phase = members[rank].lastPhase.map { " (last seen \($0))" } ?? ""
        lose(rank, .peerLost, "has been silent for \(now - last)\(phase)", &directives)
        return
      }
      next = min(next ?? limit, limit)
    }
    pulseCheck = next
  }
}

extension UInt64 {
  fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
