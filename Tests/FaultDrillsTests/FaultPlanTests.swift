import FaultDrills
import Testing
import Wire

@Suite struct FaultPlanTests {
  @Test func aPlanIsRead() throws {
    let text = """
      seed: 9
      faults:
        - {kind: kill, rank: 1, after_tokens: 20}
        - {kind: pause, rank: 0, after_tokens: 30, for_ms: 120}
        - {kind: stop, rank: 0, during: recovery}
      """
    let plan = try FaultPlan(yaml: text, path: "p.yaml", worldSize: 2)
    #expect(plan.seed == 9 && plan.expectsSuccess)
    #expect(
      plan.faults == [
        Fault(.kill, rank: 1, trigger: .tokens(20), milliseconds: 200),
        Fault(.pause, rank: 0, trigger: .tokens(30), milliseconds: 120),
        Fault(.stop, rank: 0, trigger: .recovery, milliseconds: 200),
      ])
  }

  @Test(arguments: [
    ("faults: []", "1 to 1000 'faults'"),
    ("fault: 1", "there is no 'fault' here"),
    ("[1]", "must be a mapping"),
    ("faults: [{kind: burn, rank: 0, after_tokens: 1}]", "the kind is 'burn'"),
    ("faults: [{kind: kill, rank: 2, after_tokens: 1}]", "give 0 to 1"),
    ("faults: [{kind: kill, rank: 0}]", "give either after_tokens"),
    ("faults: [{kind: kill, rank: 0, after_tokens: 0}]", "not at least 1"),
    ("faults: [{kind: kill, rank: 0, during: lunch}]", "only be recovery"),
    ("faults: [{kind: pause, rank: 0, after_tokens: 1, for_ms: 0}]", "for_ms"),
    ("expect: maybe\nfaults: [{kind: kill, rank: 0, after_tokens: 1}]", "give pass or fail"),
    ("faults: [", "is not YAML"),
  ])
  func aWrongPlanIsRefused(text: String, complaint: String) {
    let error = #expect(throws: FaultPlanError.self) {
      try FaultPlan(yaml: text, path: "p.yaml", worldSize: 2)
    }
    #expect(error?.description.contains(complaint) == true, "\(error?.description ?? "")")
  }

  @Test func randomPlansFollowFromTheirSeeds() {
    let plans = (UInt64(0)..<200).map { FaultPlan.random(seed: $0, worldSize: 4, tokens: 100) }
    #expect(plans == (UInt64(0)..<200).map { FaultPlan.random(seed: $0, worldSize: 4, tokens: 100) })
    let faults = plans.flatMap(\.faults)
    #expect(Set(faults.map(\.kind)) == Set(Fault.Kind.allCases))
    #expect(Set(faults.map(\.rank)) == [0, 1, 2, 3])
    #expect(plans.contains { $0.faults.contains { $0.trigger == .recovery } })
  }

  @Test func theVerdictSeesEveryDifference() {
    let plan = FaultPlan(name: "p", faults: [])
    let reference: [[TokenID]] = [[1, 2, 3], [4, 5, 6]]
    func verdict(_ streams: [[TokenID]], outOfOrder: Int = 0, finished: Int = 2) -> DrillVerdict {
      DrillVerdict(
        DrillOutcome(streams: streams, outOfOrder: outOfOrder, finished: finished), reference: reference,
        plan: plan)
    }
    #expect(verdict(reference).passed)
    let lost = verdict([[1, 2, 3], [4]])
    #expect(!lost.passed && lost.lost == 2 && lost.changed == 0)
    let changed = verdict([[1, 2, 3], [4, 5, 7]])
    #expect(!changed.passed && changed.changed == 1 && changed.lost == 0)
    #expect(!verdict([[1, 2, 3], [4, 5, 6, 6]]).passed)
    #expect(!verdict(reference, outOfOrder: 1).passed)
    #expect(!verdict(reference, finished: 1).passed)
  }
}
