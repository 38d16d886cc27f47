internal import Compute
internal import Coordination
internal import Foundation
internal import Layers
internal import ModelConfigs
internal import Models
internal import Topology
internal import Wire

/// What is done to processes when a rank is not simply started again.
extension MeshEngine {
  /// A spare becomes a rank: it is told, and its process is that rank's from now on.
  func promote(_ spare: Int, to rank: Int, incarnation: UInt32, epoch: Epoch) {
    processes.promote(spare, to: rank, incarnation: incarnation)
    guard let name = names[spare] else { return }
    names[spare] = nil
    let promotion = Promotion(
      rank: UInt32(rank), incarnation: incarnation, epoch: epoch,
      dataEndpoint: processes.dataEndpoint(of: rank, incarnation))
    send(.promotion, to: name, epoch: epoch) { promotion.write(to: &$0) }
  }

  /// Takes up a smaller mesh: its plan, sizes and tables. The processes of the former one have been ended.
  func remesh(_ smaller: SmallerMesh, _ observe: (EngineEvent) -> Void) throws(EngineError) {
    formerMesh = formerMesh ?? configuration.mesh
    configuration.mesh = smaller.shape
    configuration.balance = []
    plan = try Self.shardPlan(configuration)
    sizes = try RunSizes(configuration, plan: plan, cpus: HostFacts.allowedCPUs.count)
    limits = RunLimits(configuration, sizes)
    let seats = smaller.shape.worldSize + configuration.numSpares
    names = Array(repeating: nil, count: seats)
    endpoints = Array(repeating: "", count: seats)
    applicants = [:]
    workerCPUs = [:]
    processes.remesh(worldSize: smaller.shape.worldSize)
    note(nil, .remeshed(smaller.shape), observe)
  }

  static func shardPlan(_ configuration: EngineConfiguration) throws(EngineError) -> ShardPlan {
    do throws(MeshError) {
      return try ShardPlan(
        model: ModelDimensions(configuration.config), mesh: Mesh(configuration.mesh),
        balance: configuration.balance)
    } catch {
      throw EngineError(.configuration, "\(error)")
    }
  }
}

extension RunLimits {
  init(_ configuration: EngineConfiguration, _ sizes: RunSizes) {
    self.init(
      maxBatchedTokens: configuration.maxBatchedTokens, maxSequences: configuration.maxSequences,
      maxModelLength: sizes.maxModelLength, pageSlots: configuration.pageSlots, numPages: sizes.pagesPerGroup,
      kvFormat: configuration.kvFormat, scoresRows: configuration.scoresRows)
  }
}

/// What the kernel says of this host's memory.
enum HostMemory {
  /// Bytes that new processes can take without swapping; 0 when /proc does not tell.
  static var availableBytes: Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return (line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
    }
    return 0
  }
}
