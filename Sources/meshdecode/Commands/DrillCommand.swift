internal import ArgumentParser
internal import Engine
internal import FaultDrills
internal import Foundation
internal import Launching
internal import Parsing
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology
internal import Wire
internal import Workloads

struct DrillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drill",
    abstract: "Breaks a run on purpose and compares every token with the run without faults.",
    discussion: """
      Real worker processes get real signals, and the links between them really lose, break and delay frames. The \
      verdict is pass when the run is what the plan expects and no token is lost, repeated or changed; otherwise the \
      exit code is 3. A plan is a YAML file; configs/drills holds one for each kind. --seed is the seed of the \
      first random plan. Collectives wait at most 1 s here, unless the plan or a flag says otherwise.

      Examples:
        meshdecode drill --plan configs/drills/kill.yaml --tp 2 --html drill.html
        meshdecode drill --plan configs/drills/link-cut.yaml --tp 2
        meshdecode drill --random 200 --seed 1 --tp 2 --ep 2 --pulse-milliseconds 100
      """)

  @Option(name: .customLong("plan"), help: ArgumentHelp("The faults, as YAML.", valueName: "file"))
  var plan: String?

  @Option(
    name: .customLong("random"), help: ArgumentHelp("Makes so many random plans instead.", valueName: "count")
  )
  var random: Int?

  @Option(
    name: .customLong("html"), help: ArgumentHelp("Writes a report of a --plan run.", valueName: "file"))
  var html: String?

  @Option(name: .customLong("requests"), help: "Requests of the workload. (1 to 64)")
  var requests = 4

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Sampling") var sampling: SamplingOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = DrillWorkload.settings(
      try resolve(config, [model, mesh, scheduler, sampling, launch, output]))
    guard (plan == nil) != (random == nil) else { throw SettingsError("Give one of --plan and --random.") }
    guard (1...64).contains(requests) else { throw SettingsError("--requests is \(requests); give 1 to 64.") }
    guard (1...1_000_000).contains(random ?? 1) else { throw SettingsError("--random takes 1 to 1000000.") }
    guard html == nil || plan != nil else { throw SettingsError("--html goes with --plan.") }
    let setup = try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
    var engine = try setup.engineConfiguration()
    engine.log = RunLog(settings, expectsLosses: true)
    if settings.launch.distributedTimeoutSeconds == LaunchSettings().distributedTimeoutSeconds {
      engine.collectiveTimeout = .seconds(1)
    }
    let prompts = DrillWorkload.prompts(requests, vocabularySize: setup.vocabularySize)
    let drill = Drill(prompts: prompts, sampling: try setup.samplingParameters())
    let calm = try drill.run(engine, plan: FaultPlan(name: "no fault", faults: []))
    if let failure = calm.failure { throw CommandFailure(.failedWhileRunning, failure) }
    if let plan {
      try runPlan(plan, drill, engine, calm.streams, settings, setup)
    } else {
      try runRandom(drill, engine, calm.streams, settings, setup)
    }
  }

  private func runPlan(
    _ file: String, _ drill: Drill, _ engine: EngineConfiguration, _ reference: [[TokenID]],
    _ settings: EngineSettings, _ setup: RunSetup
  ) throws {
    let text = String(decoding: try PromptOptions.bytes(of: file), as: UTF8.self)
    let plan: FaultPlan
    do {
      let mesh = Mesh(setup.shape)
      plan = try FaultPlan(
        yaml: text, path: file, worldSize: setup.shape.worldSize,
        hosts: engine.fleet.map { fleet in fleet.placement.hosts.indices.map { fleet.placement.ranks(on: $0) }
        },
        reporters: Set(mesh.ranks.map { mesh.attentionGroup(of: $0).ranks[0] }))
    } catch {
      throw SettingsError("\(error)")
    }
    let outcome =
      plan.concernsCoordinator
      ? try DrillWorkload.run(plan, settings, drill.prompts) : try drill.run(engine, plan: plan)
    let verdict = DrillVerdict(outcome, reference: reference, plan: plan)
    if let html {
      let page = DrillReport.html(
        title: "Drill: \(URL(fileURLWithPath: file).lastPathComponent)", mesh: "\(setup.shape)",
        ranks: setup.shape.worldSize, plan: plan, outcome: outcome, verdict: verdict)
      try Data(page.utf8).write(to: URL(fileURLWithPath: html), options: .atomic)
    }
    if settings.output.format == .json {
      try Terminal.writeDocument(json(plan, outcome, verdict, setup))
    } else {
      for entry in outcome.story {
        let rank = entry.rank.map { "rank \($0)" } ?? "all"
        try Terminal.write("\(Numbers.decimal(entry.milliseconds, digits: 1)) ms  \(rank): \(entry.text)\n")
      }
      try Terminal.write(
        "verdict: \(verdict.passed ? "pass" : "fail") (\(plan.expectsSuccess ? "all tokens" : "an error") expected); "
          + "\(verdict.completed) of \(verdict.total) requests completed, "
          + "\(verdict.lost) tokens lost, \(verdict.duplicated) repeated, \(verdict.changed) streams changed\n"
      )
    }
    if !verdict.passed {
      throw CommandFailure(.failedCheck, verdict.complaint ?? "tokens differ from the run without faults")
    }
  }

  private func json(
    _ plan: FaultPlan, _ outcome: DrillOutcome, _ verdict: DrillVerdict, _ setup: RunSetup
  ) -> JSONValue {
    func time(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    return .members([
      "verdict": .string(verdict.passed ? "pass" : "fail"),
      "expected": .string(plan.expectsSuccess ? "pass" : "fail"),
      "failure": outcome.failure.map { .string($0) } ?? .null, "seed": .integer(Int64(clamping: plan.seed)),
      "faults": .array(
        outcome.faults.map { times in
          .members([
            "kind": .string(times.fault.kind.rawValue), "rank": .count(times.fault.rank),
            "ranks": .array(times.fault.target.ranks.map { .count($0) }),
            "injected_ms": time(times.injected), "detected_ms": time(times.detected),
            "recovered_ms": time(times.recovered), "first_token_ms": time(times.firstToken),
          ])
        }),
      "timeline": .array(
        outcome.story.map { entry in
          .members([
            "ms": .number(entry.milliseconds), "rank": entry.rank.map { .count($0) } ?? .null,
            "event": .string(entry.text),
          ])
        }),
      "links": .array(outcome.links.map { link in Self.json(link) }),
      "requests": verdict.requests, "mesh": GenerationReport.mesh(setup.shape),
    ])
  }

  private static func json(_ link: LinkReport) -> JSONValue {
    .members([
      "rank": .count(Int(link.rank)), "frames_broken": .count(Int(link.faults)),
      "frames_delayed": .count(Int(link.delayedFrames)), "stale_dropped": .count(Int(link.staleFrames)),
      "duplicates_dropped": .count(Int(link.duplicateFrames)), "malformed": .count(Int(link.malformedFrames)),
    ])
  }

  private func runRandom(
    _ drill: Drill, _ engine: EngineConfiguration, _ reference: [[TokenID]], _ settings: EngineSettings,
    _ setup: RunSetup
  ) throws {
    var tally = DrillTally()
    let count = random ?? 1
    let planSeed = UInt64(clamping: settings.model.seed)
    let progress = Progress("Drills")
    for number in 0..<count {
      let seed = planSeed &+ UInt64(number)
      let plan = FaultPlan.random(seed: seed, worldSize: setup.shape.worldSize, tokens: drill.tokens)
      let outcome = try drill.run(engine, plan: plan)
      let verdict = DrillVerdict(outcome, reference: reference, plan: plan)
      tally.add(plan, outcome, verdict)
      if !verdict.passed {
        Terminal.note("failed: \(verdict.complaint ?? "tokens differ"); again with: \(replay(seed))")
      }
      progress.report(done: number + 1, total: count)
    }
    progress.finish()
    if settings.output.format == .json {
      let document = tally.json(seed: planSeed, mesh: GenerationReport.mesh(setup.shape))
      try Terminal.writeDocument(document)
    } else {
      try Terminal.write(tally.text(mesh: "\(setup.shape)"))
    }
    if !tally.failedSeeds.isEmpty {
      throw CommandFailure(.failedCheck, "\(tally.failedSeeds.count) of \(count) drills failed")
    }
  }

  /// The command line of this run, for one plan.
  private func replay(_ seed: UInt64) -> String {
    var words = CommandLine.arguments
    for (flag, value) in [("--random", "1"), ("--seed", "\(seed)")] {
      words.removeAll { $0.hasPrefix(flag + "=") }
      if let place = words.firstIndex(of: flag) { words.removeSubrange(place..<min(place + 2, words.count)) }
      words += [flag, value]
    }
    return words.joined(separator: " ")
  }
}
