internal import Yams

extension FaultPlan {
  private static let maxFaults = 1000

  /// Reads a plan: a mapping with `faults`, and optionally `seed`, `expect` (pass or fail), `error` (what the error of
  /// a run that must fail says) and `deadline_ms` (of one collective).
  ///
  /// - Parameters:
  ///   - hosts: the ranks of each host, for faults that name one.
  ///   - reporters: the ranks that sample, for faults that name a role.
  /// - Throws: `FaultPlanError` naming the line, what was wrong there and what is allowed.
  package init(
    yaml: String, path: String, worldSize: Int, hosts: [[Int]]? = nil, reporters: Set<Int> = [0]
  ) throws(FaultPlanError) {
    let root: Node?
    do {
      root = try Yams.compose(yaml: yaml)
    } catch {
      throw FaultPlanError("\(path) is not YAML; configs/drills holds examples.")
    }
    guard let mapping = root?.mapping else {
      throw FaultPlanError(
        "\(path) must be a mapping with a list of 'faults'; configs/drills holds examples.")
    }
    let reader = FaultReader(
      path: path, worldSize: worldSize, hosts: hosts ?? [Array(0..<worldSize)], reporters: reporters)
    try reader.check(mapping, keys: ["seed", "expect", "error", "deadline_ms", "faults"])
    guard let list = mapping["faults"]?.sequence, !list.isEmpty, list.count <= Self.maxFaults else {
      throw FaultPlanError("\(path) has no list of 1 to \(Self.maxFaults) 'faults'.")
    }
    var faults: [Fault] = []
    for node in list { faults.append(try reader.fault(node)) }
    let coordinators = faults.count { $0.kind.concernsCoordinator }
    guard coordinators == 0 || coordinators == faults.count else {
      throw FaultPlanError(
        "\(path) mixes coordinator-kill and disk-full with other kinds; give them plans of their own."
      )
    }
    let expect = mapping["expect"]?.string ?? "pass"
    guard expect == "pass" || expect == "fail" else {
      throw FaultPlanError("\(path): 'expect' is '\(expect)'; give pass or fail.")
    }
    let deadline = mapping["deadline_ms"]?.int
    guard (deadline ?? 100) >= 100, (deadline ?? 100) <= 600_000,
      mapping["deadline_ms"] == nil || deadline != nil
    else { throw FaultPlanError("\(path): 'deadline_ms' is not 100 to 600000.") }
    self.init(
      name: path, seed: UInt64(clamping: mapping["seed"]?.int ?? 0), faults: faults,
      expectsSuccess: expect == "pass", expectedError: mapping["error"]?.string, needsEveryFault: true,
      deadlineMilliseconds: deadline)
  }
}
