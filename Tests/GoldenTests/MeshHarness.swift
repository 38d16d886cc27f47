import Collectives
import Compute
import Foundation
import KVCaching
import Models
import Parsing
import Tensors
import TestSupport
import Topology
import Transport
import Wire
import WorkerRuntime

/// How a run computes; none of it may change a bit.
struct RunShape: Sendable, CustomStringConvertible {
  var mesh = MeshShape.single
  var threads = 1
  /// Prompt tokens per step and sequence; nil = the whole prompt.
  var prefillChunk: Int?
  var instructionSet = InstructionSet.best
  var dispatch = ExpertDispatchMode.auto
  var pageSlots = 16
  var kvFormat = KVFormat.f32
  var quantization = Quantization.none
  /// Weight of each rank's share.
  var balance: [Double] = []

  var description: String {
    "\(mesh) x \(threads) threads, chunk \(prefillChunk.map(String.init) ?? "whole"), \(instructionSet), "
      + "\(dispatch), pages of \(pageSlots), \(quantization), kv \(kvFormat), balance \(balance)"
  }
}

/// One sequence whose every token is known in advance.
struct KnownSequence: Sendable {
  var prompt: [Int32]
  /// Tokens fed after the prompt, one per step.
  var continuation: [Int32]
}

/// Runs known sequences through a mesh whose ranks are threads of this process, and collects logits.
enum MeshHarness {
  /// Logits after the prompt and after each fed token, per sequence: `[sequence][step][vocab]`.
  static func logits(model: URL, sequences: [KnownSequence], shape: RunShape) throws -> [[[Float]]] {
    let config = try String(contentsOf: model.appendingPathComponent("config.json"), encoding: .utf8)
    let scripts = (0..<shape.mesh.dp).map {
      StepScript(sequences: sequences, shape: shape, replica: $0).plans
    }
    let hub = try LoopbackHub(worldSize: shape.mesh.worldSize)
    let perRank = try RankHarness.values(shape.mesh.worldSize) { rank in
      var settings = WorkerSettings(
        modelDirectory: model.path, configJSON: config, dummySeed: nil, quantization: shape.quantization,
        mesh: shape.mesh, rank: rank,
        limits: StepScript.limits(sequences, shape), threads: shape.threads, spins: false,
        instructionSet: shape.instructionSet.rawValue, collectiveMilliseconds: 60_000,
        expertDispatch: shape.dispatch)
      settings.balance = shape.balance
      let replica = Mesh(shape.mesh).coordinates(of: rank).data
      return try run(settings, link: hub.link(rank: rank, epoch: Epoch(rawValue: 1)), plans: scripts[replica])
    }
    var collected: [[[Float]]] = Array(repeating: [], count: sequences.count)
    for results in perRank {
      for result in results {
        for payload in result.payloads where payload.kind == .logits {
          collected[Int(payload.slot)].append(floats(payload.bytes))
        }
      }
    }
    return collected
  }

  /// What every rank moved in every step, the rows of each expert, and the payload bytes that all links
  /// counted.
  static func traffic(
    model: URL, sequences: [KnownSequence], shape: RunShape
  ) throws -> (traces: [StepTrace], load: [UInt32], bytes: Int) {
    let config = try String(contentsOf: model.appendingPathComponent("config.json"), encoding: .utf8)
    let plans = StepScript(sequences: sequences, shape: shape, replica: 0).plans
    let hub = try LoopbackHub(worldSize: shape.mesh.worldSize)
    let perRank = try RankHarness.values(shape.mesh.worldSize) { rank in
      var settings = WorkerSettings(
        modelDirectory: model.path, configJSON: config, dummySeed: nil, mesh: shape.mesh, rank: rank,
        limits: StepScript.limits(sequences, shape), threads: 1, spins: false,
        instructionSet: shape.instructionSet.rawValue, collectiveMilliseconds: 60_000,
        expertDispatch: shape.dispatch)
      settings.observations = [.exchanges, .expertLoad]
      let link = hub.link(rank: rank, epoch: Epoch(rawValue: 1))
      let runner = try runner(settings, link: link)
      var traces: [StepTrace] = []
      var load: [UInt32] = []
      for plan in plans {
        let result = try runner.run(plan)
        traces += [runner.trace(of: plan)].compactMap { $0 }
        guard let result else { continue }
        if load.isEmpty { load = Array(repeating: 0, count: result.expertLoad.count) }
        for (index, rows) in result.expertLoad.enumerated() { load[index] += rows }
      }
      return (traces, load, link.traffic.totalSent.payloadBytes)
    }
    var load: [UInt32] = []
    for rank in perRank where !rank.1.isEmpty {
      load = load.isEmpty ? rank.1 : zip(load, rank.1).map { $0 + $1 }
    }
    return (perRank.flatMap(\.0), load, perRank.reduce(0) { $0 + $1.2 })
  }

  private static func run(
    _ settings: WorkerSettings, link: LoopbackLink, plans: [StepPlan]
  ) throws -> [StepResult] {
    let runner = try runner(settings, link: link)
    return try plans.compactMap { try runner.run($0) }
  }

  private static func runner(_ settings: WorkerSettings, link: LoopbackLink) throws -> StepRunner {
    let kernels = KernelTable(InstructionSet(rawValue: settings.instructionSet) ?? .best)
    let loaded = try ModelLoading.load(settings, kernels: kernels) { _, _ in true }
    let team = try ThreadTeam(count: settings.threads, rank: settings.rank, spinLimit: 0)
    return StepRunner(
      program: loaded.program, memory: loaded.memory, executor: StepExecutor(team: team, kernels: kernels),
      communicator: Communicator(link: link), collectiveDeadline: .seconds(60),
      dispatch: settings.expertDispatch, observations: settings.observations)
  }

  static func floats(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 4).map { start in
      let littleEndian = bytes[start..<start + 4].reversed()
      let bits = littleEndian.reduce(UInt32(0)) { high, byte in high << 8 | UInt32(byte) }
      return Float(bitPattern: bits)
    }
  }
}

/// The step plans that feed known sequences: prompts in chunks, then one token of each per step.
struct StepScript {
  let plans: [StepPlan]

  static func pages(_ sequence: KnownSequence, _ shape: RunShape) -> Int {
    (sequence.prompt.count + sequence.continuation.count + shape.pageSlots - 1) / shape.pageSlots
  }

  static func limits(_ sequences: [KnownSequence], _ shape: RunShape) -> RunLimits {
    let longest = sequences.map { $0.prompt.count + $0.continuation.count }.max() ?? 1
    return RunLimits(
      maxBatchedTokens: sequences.reduce(0) { $0 + $1.prompt.count }, maxSequences: sequences.count,
      maxModelLength: longest, pageSlots: shape.pageSlots,
      numPages: sequences.reduce(0) { $0 + pages($1, shape) } + 1, kvFormat: shape.kvFormat, scoresRows: false
    )
  }

  /// The plans of one replica; sequences go round the groups of all replicas.
  init(sequences: [KnownSequence], shape: RunShape, replica: Int) {
    let groups = shape.mesh.attnDP * shape.mesh.attnDPExpert
    var nextPage = 0
    // Pages in descending order, so that logical and physical order differ.
    let tables = sequences.map { sequence in
      let count = Self.pages(sequence, shape)
      defer { nextPage += count }
      return (0..<count).reversed().map { PageID(rawValue: Int32(nextPage + $0)) }
    }
    var done = sequences.indices.map { index in
      // Another replica's sequence counts as done.
      index / groups % shape.mesh.dp == replica
        ? 0 : sequences[index].prompt.count + sequences[index].continuation.count
    }
    var plans: [StepPlan] = []
    while zip(sequences, done).contains(where: { $1 < $0.prompt.count + $0.continuation.count }) {
      var plan = StepPlan(
        epoch: Epoch(rawValue: 1), step: StepNumber(rawValue: UInt64(plans.count + 1)),
        groups: Array(repeating: StepPlan.GroupPlan(), count: groups))
      for (index, sequence) in sequences.enumerated() {
        let all = sequence.prompt + sequence.continuation
        guard done[index] < all.count else { continue }
        let inPrompt = done[index] < sequence.prompt.count
        let end =
          inPrompt
          ? min(sequence.prompt.count, done[index] + (shape.prefillChunk ?? all.count)) : done[index] + 1
        plan.groups[index % groups].chunks.append(
          SequenceChunk(
            slot: Int32(index), startPosition: Int32(done[index]),
            tokens: all[done[index]..<end].map { TokenID(rawValue: $0) }, pageTable: tables[index],
            output: end >= sequence.prompt.count ? [.logits] : []))
        done[index] = end
      }
      plans.append(plan)
    }
    self.plans = plans
  }
}
