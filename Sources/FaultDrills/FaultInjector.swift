package import Engine
internal import Transport

/// Breaks what a plan says, through the doors that the world has, and mends what was to be broken for a while.
struct FaultInjector {
  /// Rules in force, in the order in which they came, and when each ends.
  private var rules: [(rule: LinkRule, end: Int64?)] = []
  private let seed: UInt64
  private let given: LinkConditions

  /// - Parameter configuration: gets links that conditions can be put on, where the plan has any for them.
  init(plan: FaultPlan, configuration: inout EngineConfiguration) {
    seed = plan.seed
    given = configuration.linkConditions ?? LinkConditions()
    if plan.faults.contains(where: { $0.kind.isLink }) { configuration.linkConditions = given }
  }

  /// When something is to be mended next.
  var nextMoment: Int64? { rules.compactMap(\.end).min() }

  mutating func inject(_ fault: Fault, into engine: MeshEngine, at now: Int64) {
    if fault.kind.isLink {
      let end = fault.milliseconds.map { now + Int64($0) * 1_000_000 }
      for rule in fault.linkRules { rules.append((rule, end)) }
      apply(to: engine)
    } else if fault.kind == .pause {
      engine.pause(rank: fault.rank, for: .milliseconds(fault.milliseconds ?? 200))
    } else if let signal = fault.kind.signal {
      for rank in fault.target.ranks { engine.send(signal: signal, toRank: rank) }
    }
  }

  /// Ends what was to last until now.
  mutating func mend(_ engine: MeshEngine, at now: Int64) {
    let count = rules.count
    rules.removeAll { $0.end.map { $0 <= now } ?? false }
    if rules.count < count { apply(to: engine) }
  }

  private func apply(to engine: MeshEngine) {
    var conditions = LinkConditions(rules: given.rules + rules.map(\.rule), seed: seed ^ given.seed)
    let now = conditions
    // What hits a number of frames has hit them by the time a rank starts again.
    conditions.rules.removeAll { $0.times != nil }
    engine.setLinkConditions(now, later: conditions)
  }
}
