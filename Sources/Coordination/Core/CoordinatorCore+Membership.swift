internal import Scheduling
internal import Topology
internal import Wire

extension CoordinatorCore {
  /// A worker says who it is: it is configured, or turned away with a sentence.
  mutating func join(_ hello: Hello, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(hello.rank)
    if let problem = objection(to: hello) {
      directives.append(.refuse(rank: rank, incarnation: hello.incarnation, problem))
      return
    }
    if adopts(hello) {
      members[rank].incarnation = hello.incarnation
      // It was started knowing of no epoch.
      members[rank].startedIn = Epoch(rawValue: 0)
      // Pulses that came before these words were nobody's; whoever falls silent now is missed all the same.
      hear(rank, at: now)
    }
    members[rank].state = .loading
    members[rank].hello = hello
    members[rank].deadline = now + settings.loadDeadline
    directives.append(.configure(rank: rank))
    guard !isSpare(rank) else { return }
    // The epoch may have changed between its start and its first words.
    let epoch = replicas[settings.placements[rank].replica].epoch
    if members[rank].startedIn < epoch {
      let change = EpochChange(epoch: epoch, text: "the epoch changed while rank \(rank) joined")
      directives.append(.changeEpoch(change, ranks: [rank]))
    }
  }

  /// Whether a worker that came by itself may have the rank.
  private func adopts(_ hello: Hello) -> Bool {
    settings.adoptsWorkers && hello.incarnation >= Hello.firstOwnIncarnation
      && members[Int(hello.rank)].state == .missing
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
    let member = members[Int(hello.rank)]
    if adopts(hello) { return nil }
    if settings.adoptsWorkers, let known = member.hello {
      return
        "rank \(hello.rank) is taken by process \(known.processID) on \(known.hostName); it is free again when"
        + " that one is lost"
    }
    guard hello.incarnation == member.incarnation else {
      return
        "start \(hello.incarnation) of rank \(hello.rank) on \(hello.hostName) is not the one that is awaited"
        + " (\(member.incarnation)); it has been replaced"
    }
    if let known = member.hello {
      return "rank \(hello.rank) is taken by process \(known.processID) on \(known.hostName)"
    }
    return member.state == .missing ? nil : "rank \(hello.rank) is not awaited now"
  }

  /// Whether a message comes from the process that plays the rank now.
  func isCurrent(_ rank: some BinaryInteger, _ incarnation: UInt32) -> Bool {
    guard let rank = Int(exactly: rank), members.indices.contains(rank) else { return false }
    return members[rank].incarnation == incarnation
  }

  mutating func load(_ progress: LoadProgress, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(progress.rank)
    guard members[rank].state == .loading else { return }
    if progress.bytesDone > members[rank].bytesDone {
      members[rank].deadline = now + settings.loadDeadline
    }
    members[rank].bytesDone = progress.bytesDone
    members[rank].bytesTotal = progress.bytesTotal
    guard !isSpare(rank) else { return }
    let ranks = members.prefix(settings.mesh.worldSize)
    let done = ranks.reduce(UInt64(0)) { $0.addingSaturated($1.bytesDone) }
    let total = ranks.reduce(UInt64(0)) { $0.addingSaturated($1.bytesTotal) }
    directives.append(.loading(bytesDone: done, bytesTotal: total))
  }

  /// A rank holds its shard. If it came up in an epoch that is over by now, it still has to take up this one.
  mutating func becomeReady(_ ready: Ready, _ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let rank = Int(ready.rank)
    guard members[rank].state == .loading else { return }
    guard !isSpare(rank) else {
      members[rank].state = .ready
      members[rank].deadline = nil
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
    members[rank].epoch = max(members[rank].epoch, ready.epoch)
    members[rank].deadline = now + settings.acknowledgeDeadline
    goOnWhenComplete(settings.placements[rank].replica, now, &directives)
  }

  /// A worker says that it gives up: a step when it has been serving, itself when it was still loading.
  mutating func giveUp(
    _ abort: Abort, _ rank: Int, _ now: Timestamp, _ directives: inout [CoordinatorDirective]
  ) {
    if members[rank].state == .ready, !isSpare(rank) {
      giveUpStep(abort, rank, now, &directives)
    } else {
      lose(rank, RankLoss(.gaveUp, "gave up: \(abort.text)"), code: abort.code, now, &directives)
    }
  }

  mutating func note(_ pulse: Pulse, at moment: Timestamp) {
    let rank = Int(pulse.rank)
    hear(rank, at: moment)
    if members[rank].progressedAt == nil || members[rank].lastProgress != pulse.progress
      || members[rank].lastPhase != pulse.phase
    {
      members[rank].lastProgress = pulse.progress
      members[rank].progressedAt = moment
    }
    members[rank].lastPhase = pulse.phase
  }

  /// A sign of life; from the first one on, silence is noticed.
  private mutating func hear(_ rank: Int, at moment: Timestamp) {
    members[rank].lastPulse = max(members[rank].lastPulse ?? moment, moment)
    let limit = moment + silenceLimit
    pulseCheck = min(pulseCheck ?? limit, limit)
  }

  private var silenceLimit: Duration { settings.pulsePeriod * 2 }

  /// The rank in words, with its host and process where known.
  func name(_ rank: Int) -> String {
    let name = isSpare(rank) ? "spare \(rank - settings.mesh.worldSize)" : "rank \(rank)"
    guard let hello = members[rank].hello else { return name }
    return "\(name) (process \(hello.processID) on \(hello.hostName))"
  }

  /// Looks for ranks that are late to join, to load or to change the epoch, or that are silent.
  mutating func checkMembers(_ now: Timestamp, _ directives: inout [CoordinatorDirective]) {
    let meshes = statistics.shrinkages
    for rank in members.indices {
      // What follows from the loss of a rank may be another mesh.
      guard isOpen, statistics.shrinkages == meshes else { return }
      guard let deadline = members[rank].deadline, deadline <= now else { continue }
      let cause: RankLoss.Cause = .late
      lose(rank, RankLoss(cause, members[rank].overdue(settings)), code: .failure, now, &directives)
    }
    guard isOpen, let check = pulseCheck, check <= now else { return }
    // Pulses that are there but have not been reported are no silence.
    let heardUntil = pulsesTakenUntil ?? now
    var next: Timestamp?
    for rank in members.indices {
      guard isOpen, statistics.shrinkages == meshes else { return }
      guard let last = members[rank].lastPulse else { continue }
      let limit = last + silenceLimit
      if limit <= heardUntil {
        let phase = members[rank].lastPhase.map { " (last seen \($0))" } ?? ""
        lose(
          rank, RankLoss(.hung, "has been silent for \(Self.milliseconds(heardUntil - last))\(phase)"), now,
          &directives)
        continue
      }
      if let stalled = stall(of: rank, heardUntil) {
        lose(rank, RankLoss(.hung, stalled), now, &directives)
        continue
      }
      next = min(next ?? limit, limit)
    }
    // Silence that cannot be told from pulses under way is looked at again soon.
    pulseCheck = next.map { max($0, now + settings.pulsePeriod / 8) }
  }

  private static func milliseconds(_ duration: Duration) -> String {
    "\(Int(duration / .milliseconds(1))) ms"
  }

  /// A rank whose pulses go on while it computes without getting anywhere.
  private func stall(of rank: Int, _ now: Timestamp) -> String? {
    guard !isSpare(rank) else { return nil }
    let replica = replicas[settings.placements[rank].replica]
    guard replica.stepDeadline != nil, members[rank].lastPhase == .computing,
      let since = members[rank].progressedAt, let started = replica.stepStarted
    else { return nil }
    let stalled = now - max(since, started)
    return stalled >= settings.stallDeadline
      ? "computes without progress for \(Self.milliseconds(stalled)), though its pulses go on" : nil
  }
}

extension UInt64 {
  fileprivate func addingSaturated(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
