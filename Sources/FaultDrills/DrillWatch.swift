internal import Coordination
internal import Engine
internal import Scheduling
internal import Transport
internal import Wire

/// Follows a run: which faults are due, what became of them.
struct DrillWatch {
  let started: Int64
  var outcome: DrillOutcome
  private var tokens = 0
  private var random: SeededDraws
  /// Faults that could not be made; they are not tried again.
  private var withdrawn: Set<Int> = []

  init(plan: FaultPlan, requests: Int, started: Int64) {
    self.started = started
    outcome = DrillOutcome(streams: Array(repeating: [], count: requests))
    outcome.faults = plan.faults.map { DrillOutcome.FaultTimes(fault: $0) }
    random = SeededDraws(state: plan.seed ^ 0xc4a5)
  }

  /// When a fault is due by the clock alone.
  var nextMoment: Int64? {
    outcome.faults.compactMap { times in
      guard times.injected == nil, case .milliseconds(let count) = times.fault.trigger else { return nil }
      return started + Int64(count) * 1_000_000
    }.min()
  }

  /// Takes an event in; returns the numbers of the faults that are due now.
  mutating func note(_ event: EngineEvent, steps: Int, at now: Int64) -> [Int] {
    var (inRecovery, isToken) = (false, false)
    switch event {
    case .token(let token):
      tokens += 1
      isToken = true
      let request = Int(token.request.rawValue)
      if token.index != outcome.streams[request].count { outcome.outOfOrder += 1 }
      outcome.streams[request].append(token.token)
      outcome.tokenMoments.append(milliseconds(now))
      noteFirstToken(milliseconds(now))
    case .finished(let end):
      if case .failure = end.cause { break }
      outcome.finished += 1
    case .membership(let change):
      note(change)
      switch change.kind {
      case .started, .promoted: inRecovery = true
      default: break
      }
    default: break
    }
    var due: [Int] = []
    for index in outcome.faults.indices
    where outcome.faults[index].injected == nil && !withdrawn.contains(index) {
      let fault = outcome.faults[index].fault
      guard isDue(fault, inRecovery: inRecovery, isToken: isToken, steps, now) else { continue }
      outcome.faults[index].injected = milliseconds(now)
      outcome.story.append(
        (milliseconds(now), fault.target == .everywhere ? nil : fault.rank, "\(fault.kind.rawValue) injected")
      )
      due.append(index)
    }
    return due
  }

  private mutating func isDue(
    _ fault: Fault, inRecovery: Bool, isToken: Bool, _ steps: Int, _ now: Int64
  ) -> Bool {
    switch fault.trigger {
    case .tokens(let count): tokens >= count
    case .recovery: inRecovery
    case .milliseconds(let count): now >= started + Int64(count) * 1_000_000
    // Links know the step of each frame; they are told in time.
    case .step(let step): steps + (fault.kind.isLink ? 2 : 0) >= step
    case .chance(let chance): isToken && random.unit() < chance
    }
  }

  /// A fault could not be made.
  mutating func withdraw(_ number: Int, _ problem: String) {
    withdrawn.insert(number)
    outcome.faults[number].injected = nil
    outcome.story.append((outcome.tokenMoments.last ?? 0, outcome.faults[number].fault.rank, problem))
    outcome.problems.append(problem)
  }

  /// Those that knocked were answered.
  mutating func note(_ answers: [Int: (text: String, at: UInt64)]) {
    for (number, answer) in answers.sorted(by: { $0.key < $1.key }) {
      let moment = milliseconds(Int64(clamping: answer.at))
      outcome.faults[number].detected = moment
      outcome.story.append((moment, outcome.faults[number].fault.rank, "turned away: \(answer.text)"))
    }
  }

  private mutating func note(_ change: MembershipEvent) {
    let moment = milliseconds(change.at)
    switch change.kind {
    case .lost(let loss):
      outcome.story.append((moment, change.rank, loss.text))
      // Whose process is there and is replaced nevertheless has a bad link.
      let isBlamed = loss.cause == .late || loss.cause == .unreachable
      detect(moment) { $0.kind.isLink ? isBlamed : $0.target.ranks.contains(change.rank ?? -1) }
    case .recovered(let recovery):
      outcome.story.append((moment, nil, "recovered after \(Int(recovery.duration / .milliseconds(1))) ms"))
      for index in outcome.faults.indices
      where outcome.faults[index].detected != nil && outcome.faults[index].recovered == nil {
        outcome.faults[index].recovered = moment
      }
    case .started: outcome.story.append((moment, change.rank, "started again"))
    case .joined: outcome.story.append((moment, change.rank, "joined"))
    case .loaded: outcome.story.append((moment, change.rank, "shard loaded"))
    case .promoted(let spare): outcome.story.append((moment, change.rank, "spare \(spare) takes its place"))
    case .remeshed(let shape): outcome.story.append((moment, nil, "the run goes on as \(shape)"))
    case .retried(let text):
      outcome.story.append((moment, change.rank, text))
      detect(moment) { $0.kind.isLink || $0.kind.breaksMemory && $0.target.ranks.contains(change.rank ?? -1) }
    }
  }

  /// Streams go on after faults that have been mended.
  private mutating func noteFirstToken(_ moment: Double) {
    let waiting = outcome.faults.indices.filter {
      outcome.faults[$0].recovered != nil && outcome.faults[$0].firstToken == nil
    }
    guard !waiting.isEmpty else { return }
    for index in waiting { outcome.faults[index].firstToken = moment }
    outcome.story.append((moment, nil, "first token after"))
  }

  private mutating func detect(_ moment: Double, _ concerns: (Fault) -> Bool) {
    for index in outcome.faults.indices {
      let times = outcome.faults[index]
      guard times.injected != nil, times.detected == nil, concerns(times.fault) else { continue }
      if times.fault.kind.isLink, times.fault.kind.isTolerated { continue }
      outcome.faults[index].detected = moment
    }
  }

  /// What the links say in the end. The moment at which a single fault met its first frame is known better there.
  mutating func note(_ links: [LinkReport]) {
    outcome.links = links
    let faults = outcome.faults.indices.filter { outcome.faults[$0].fault.kind.isLink }
    let first = links.map(\.firstFaultAt).filter { $0 > 0 }.min()
    guard faults.count == 1, let index = faults.first, let first,
      let command = outcome.faults[index].injected
    else { return }
    let moment = milliseconds(Int64(clamping: first))
    guard moment >= command, moment <= outcome.faults[index].detected ?? moment else { return }
    outcome.faults[index].injected = moment
  }

  private func milliseconds(_ moment: Int64) -> Double { Double(moment - started) / 1e6 }
}
