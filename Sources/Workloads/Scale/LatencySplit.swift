package import Engine
internal import Wire

/// Where the time of a decode step goes, from the recorded times of all ranks of a replica; seconds.
///
/// The terms of one rank add up to the time from one plan to the next, and so do their means over ranks. Steps are
/// averaged over the middle half by length, so that a few that were disturbed do not count.
package struct LatencySplit: Sendable, Hashable {
  /// Operations, sampling, and reading the plan.
  package var compute = 0.0
  /// Until the last rank had sent what this one needed: ranks that have more to do, or no core.
  package var wait = 0.0
  /// From then until its frame was here.
  package var wire = 0.0
  /// Writing frames before they leave, and copying the last one to its place.
  package var serialise = 0.0
  /// Outside the ranks' steps: result back, scheduling, next plan out.
  package var control = 0.0
  /// Steps that were averaged, and payload bytes that all ranks sent in one.
  package var steps = 0
  package var bytesPerStep = 0.0

  /// The terms with their names in reports, what they mean, and their colours.
  package static var terms:
    [(name: String, value: WritableKeyPath<LatencySplit, Double>, meaning: String, color: String)]
  {
    [
      ("compute", \.compute, "operations, sampling, reading the plan; mean over ranks", "#1f6fb4"),
      (
        "wait", \.wait, "until the last rank had sent what was needed: more work there, or no core", "#c9a227"
      ),
      ("wire", \.wire, "from then until its frame was here", "#2e8b57"),
      (
        "serialise", \.serialise, "writing frames before they leave, copying the last one to its place",
        "#b3541e"
      ),
      ("control", \.control, "outside the ranks' steps: result back, scheduling, next plan out", "#7a5195"),
    ]
  }

  package var seconds: Double { compute + wait + wire + serialise + control }

  package init() {}

  /// - Parameter ranks: those of one replica; the first one reports.
  /// - Returns: nil when fewer than four successive steps of decoding were recorded by all of them.
  package init?(_ timeline: MeshTimeline, ranks: [Int]) {
    let members = timeline.ranks.filter { ranks.contains($0.rank) }
    guard members.count == ranks.count else { return nil }
    let recorded = members.map { rank in
      Dictionary(rank.steps.map { ($0.step.rawValue, $0) }, uniquingKeysWith: { $1 })
    }
    let common = recorded[0].keys.filter { step in recorded.allSatisfy { $0[step] != nil } }.sorted()
    // Prompts come first; their steps have more rows than the last one.
    guard let last = common.last else { return nil }
    func rows(_ step: UInt64) -> UInt32 { recorded.reduce(0) { $0 + $1[step]!.rows } }
    let most = rows(last)
    let decoding = common.filter { (1...max(most, 1)).contains(rows($0)) }
    var samples: [LatencySplit] = []
    for (step, next) in zip(decoding, decoding.dropFirst()) where next == step + 1 {
      let period = recorded[0][next]!.received - recorded[0][step]!.received
      samples.append(
        LatencySplit(members, recorded.map { $0[step]! }, period: Double(period) / 1e9))
    }
    guard samples.count >= 4 else { return nil }
    samples.sort { $0.seconds < $1.seconds }
    let middle = samples[samples.count / 4..<max(samples.count / 4 + 1, samples.count - samples.count / 4)]
    self.init(mean: middle)
  }

  private init(mean samples: ArraySlice<LatencySplit>) {
    let count = Double(samples.count)
    func mean(_ term: (LatencySplit) -> Double) -> Double { samples.reduce(0) { $0 + term($1) } / count }
    compute = mean(\.compute)
    wait = mean(\.wait)
    wire = mean(\.wire)
    serialise = mean(\.serialise)
    control = mean(\.control)
    bytesPerStep = mean(\.bytesPerStep)
    steps = samples.count
  }

  /// One step: the mean over its ranks.
  private init(_ ranks: [MeshTimeline.Rank], _ timings: [StepTiming], period: Double) {
    var posted: [Int: [UInt32: Int64]] = [:]
    for (rank, timing) in zip(ranks, timings) {
      posted[rank.rank] = Dictionary(
        timing.exchanges.map { ($0.sequence, rank.aligned(timing.received + UInt64($0.posted))) },
        uniquingKeysWith: { $1 })
    }
    for (rank, timing) in zip(ranks, timings) {
      var inside = 0.0
      for exchange in timing.exchanges {
        let blocked = Double(exchange.arrived - exchange.posted) / 1e9
        var waited = 0.0
        if exchange.lastPeer >= 0, let sent = posted[Int(exchange.lastPeer)]?[exchange.sequence] {
          let own = rank.aligned(timing.received + UInt64(exchange.posted))
          waited = min(max(0, Double(sent - own) / 1e9), blocked)
        }
        wait += waited
        wire += blocked - waited
        serialise += Double(exchange.posted - exchange.started + exchange.ended - exchange.arrived) / 1e9
        inside += Double(exchange.ended - exchange.started) / 1e9
        bytesPerStep += Double(exchange.bytesSent)
      }
      let step = Double(timing.sent) / 1e9
      compute += step - inside
      control += period - step
    }
    let count = Double(ranks.count)
    compute /= count
    wait /= count
    wire /= count
    serialise /= count
    control /= count
  }
}
