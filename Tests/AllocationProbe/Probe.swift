internal import CMallocCount
internal import Foundation
internal import Compute
internal import KVCaching
internal import Models
internal import Parsing
internal import Tensors
internal import TestSupport
internal import Topology
internal import Transport
internal import Wire
internal import WorkerRuntime

/// Decodes on ranks that are threads of this process, and counts what they allocate between a step plan and its result.
///
/// `allocation-probe MODEL TP TRANSPORT THREADS`: MODEL is a checkpoint directory, or `dense` for a small Llama
/// with dummy weights; TRANSPORT is `ipc` or `shm`, and `shm-times` lets ranks keep the times of their steps. Each
/// rank receives, decodes and runs plans and sends results as a worker does. Prints the steps counted, the
/// allocations and, apart, those that ZeroMQ made. MALLOC_TRACES=N shows where the first N come from.
@main
enum Probe {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5, let tp = Int(arguments[2]), let threads = Int(arguments[4]) else {
      FileHandle.standardError.write(Data("use: allocation-probe MODEL TP TRANSPORT THREADS\n".utf8))
      exit(2)
    }
    let run = try ProbeRun(model: arguments[1], tp: tp, transport: arguments[3], threads: threads)
    try run.run()
    print("steps \(ProbeRun.countedSteps) others \(mallocCountOthers()) zeromq \(mallocCountZeroMQ())")
    // The ranks' threads wait for more plans: there are none.
    exit(0)
  }
}

/// One run of the probe: the driver's side.
final class ProbeRun {
  static let warmUpSteps = 24
  static let countedSteps = 40
  private static let sequences = 4
  private static let prompt: [Int32] = [1, 5, 9, 14, 3, 7]

  private let context: ZMQContext
  private let directory: RunDirectory
  private let server: ControlServer
  private let tp: Int
  private let epoch = Epoch(rawValue: 1)
  private var step: UInt64 = 0
  private var newest = Array(repeating: TokenID(rawValue: 1), count: ProbeRun.sequences)

  init(model: String, tp: Int, transport: String, threads: Int) throws {
    self.tp = tp
    context = try ZMQContext()
    directory = try RunDirectory()
    server = try ControlServer(context, endpoint: directory.endpoint("control"))
    let settings = try (0..<tp).map { try Self.settings(model: model, tp: tp, rank: $0, threads: threads) }
    let book = AddressBook(tp)
    let barrier = ThreadBarrier(tp)
    for rank in 0..<tp {
      let data = transport.hasPrefix("shm") ? "shm://*" : "\(directory.endpoint("data-r\(rank)"))"
      let rankThread = ProbeRank(
        settings: settings[rank], recordsTimes: transport.hasSuffix("-times"), control: server.endpoint,
        data: try Endpoint(data), context: context,
        book: book, barrier: barrier)
      let thread = Thread {
        do {
          try rankThread.serve()
        } catch {
          FileHandle.standardError.write(Data("rank \(rank): \(error)\n".utf8))
          exit(1)
        }
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    var hellos = 0
    while hellos < tp {
      _ = try server.wait(until: .after(.seconds(60)))
      while case .message(let message, _)? = try server.receive() {
        if message.kind == .hello { hellos += 1 }
      }
    }
  }

  func run() throws {
    mallocCountExemptThread()
    try take(plan(admitting: true, tokens: Array(repeating: Self.prompt, count: Self.sequences), at: 0))
    for decoded in 0..<(Self.warmUpSteps + Self.countedSteps) {
      if decoded == Self.warmUpSteps { mallocCountBegin() }
      try take(
        plan(admitting: false, tokens: newest.map { [$0.rawValue] }, at: Self.prompt.count + decoded))
    }
    mallocCountEnd()
  }

  private func plan(admitting: Bool, tokens: [[Int32]], at position: Int) -> StepPlan {
    step += 1
    var plan = StepPlan(
      epoch: epoch, step: StepNumber(rawValue: step), groups: [StepPlan.GroupPlan()])
    for slot in 0..<Self.sequences {
      if admitting {
        var sampling = SamplingParameters()
        // Half of them greedy, which needs local maxima only; the others draw from whole rows.
        sampling.temperature = slot % 2 == 0 ? 0 : 0.8
        plan.groups[0].admissions.append(
          SequenceAdmission(
            slot: Int32(slot), sequence: SequenceID(rawValue: UInt64(slot)), sampling: sampling,
            randomKey: UInt64(slot), promptTokens: Self.prompt.map { TokenID(rawValue: $0) }))
      }
      let pages = (position + tokens[slot].count + 15) / 16
      plan.groups[0].chunks.append(
        SequenceChunk(
          slot: Int32(slot), startPosition: Int32(position),
          tokens: tokens[slot].map { TokenID(rawValue: $0) },
          pageTable: (0..<pages).map { PageID(rawValue: Int32(slot * 8 + $0)) }, output: .sample))
    }
    return plan
  }

  /// Sends a plan to all ranks and takes the result in.
  private func take(_ plan: StepPlan) throws {
    for rank in 0..<tp {
      let name = WorkerName(rank: UInt32(rank), epoch: epoch, incarnation: 0)
      try server.send(
        ControlMessage(kind: .stepPlan, epoch: epoch, step: plan.step, payload: plan.encoded()), to: name)
    }
    let deadline = Deadline.after(.seconds(60))
    while !deadline.hasPassed {
      _ = try server.wait(until: deadline)
      guard case .message(let message, _)? = try server.receive() else { continue }
      for sampled in try StepResult(decoding: message.payload).sampled {
        newest[Int(sampled.slot)] = sampled.token
      }
      return
    }
    throw TransportError(.deadlineExceeded, "no result came")
  }

  private static func settings(model: String, tp: Int, rank: Int, threads: Int) throws -> WorkerSettings {
    let isDense = model == "dense"
    let config =
      isDense ? denseConfig : try String(contentsOfFile: model + "/config.json", encoding: .utf8)
    return WorkerSettings(
      modelDirectory: isDense ? "" : model, configJSON: config, dummySeed: isDense ? 1 : nil,
      mesh: try MeshShape(tp: tp), rank: rank,
      limits: RunLimits(
        maxBatchedTokens: 64, maxSequences: sequences, maxModelLength: 128, pageSlots: 16, numPages: 32,
        kvFormat: .bf16, scoresRows: false),
      threads: threads, spins: false, instructionSet: "",
      collectiveMilliseconds: 30_000,
      expertDispatch: .auto)
  }

  private static let denseConfig = """
    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 128, "num_hidden_layers": 3,
     "num_attention_heads": 8, "num_key_value_heads": 4, "intermediate_size": 256, "vocab_size": 640,
     "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "torch_dtype": "bfloat16",
     "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "tie_word_embeddings": false}
    """
}
