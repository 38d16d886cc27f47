internal import Compute
internal import Glibc
internal import Layers
internal import ModelConfigs
internal import Models
package import Topology

/// Sizes that follow from a configuration and the machine: lengths, pages, threads.
package struct RunSizes: Sendable, Hashable {
  package var maxModelLength: Int
  package var pagesPerGroup: Int
  package var threadsPerWorker: Int
  /// Whether all threads of all ranks have a CPU of their own.
  package var hasCPUPerThread: Bool
  /// KV bytes of the rank with the most KV heads.
  package var kvBytesPerRank: Int

  /// - Throws: `EngineError` of kind configuration when the KV cache cannot hold one full sequence.
  package init(_ configuration: EngineConfiguration, plan: ShardPlan, cpus: Int) throws(EngineError) {
    try Self.checkProcesses(configuration, cpus: cpus)
    let config = configuration.config
    let limit = min(config.maxPositionEmbeddings, EngineConfiguration.defaultLengthLimit)
    maxModelLength = configuration.maxModelLength > 0 ? configuration.maxModelLength : limit
    if let longest = config.longestSequence, maxModelLength > longest {
      throw EngineError(
        .configuration,
        "--max-model-len \(maxModelLength) is more than \(longest), where this model's dynamic rotary scaling begins"
          + " to depend on how a sequence was computed; give at most \(longest)")
    }
    let slots = configuration.pageSlots
    let pagesPerSequence = (maxModelLength + slots - 1) / slots
    let headBytes = AttentionSettings.pageHeadBytes(
      headDim: config.headDim, pageSlots: slots, kvFormat: configuration.kvFormat)
    let heads = plan.mesh.ranks.map { plan.kvHeads(of: $0, layer: 0).count }.max() ?? 0
    let pageBytes = max(1, config.numLayers * heads * headBytes)
    // Ranks that share the memory and the CPUs of a host.
    let ranks = configuration.fleet?.mostRanksPerHost ?? plan.mesh.worldSize
    let budget =
      configuration.kvCacheBytes > 0
      ? configuration.kvCacheBytes : max(Self.physicalMemory / 4 / ranks, 64 << 20)
    let affordable = budget / pageBytes
    guard affordable >= pagesPerSequence else {
      let shorter = affordable > 0 ? "lower --max-model-len to at most \(affordable * slots) or " : ""
      throw EngineError(
        .configuration,
        "the KV cache of \(budget) bytes per rank holds \(affordable * slots) tokens, fewer than one sequence of"
          + " \(maxModelLength); \(shorter)raise --kv-cache-memory-bytes to at least"
          + " \(pagesPerSequence * pageBytes)")
    }
    pagesPerGroup = min(affordable, configuration.maxSequences * pagesPerSequence)
    kvBytesPerRank = pagesPerGroup * pageBytes
    threadsPerWorker =
      configuration.threadsPerWorker > 0 ? configuration.threadsPerWorker : max(1, cpus / ranks)
    hasCPUPerThread = threadsPerWorker * ranks <= cpus
  }

  /// The sizes of a run on this host, before anything is started.
  package init(_ configuration: EngineConfiguration) throws(EngineError) {
    try self.init(
      configuration, plan: MeshEngine.shardPlan(configuration), cpus: HostFacts.allowedCPUs.count)
  }

  /// Ranks of one CPU beyond which a run would take minutes to start and never be of use.
  private static let ranksPerCPU = 32
  private static let threadsPerCPU = 4

  private static func checkProcesses(_ configuration: EngineConfiguration, cpus: Int) throws(EngineError) {
    let ranks = configuration.fleet?.mostRanksPerHost ?? configuration.mesh.worldSize
    let place = configuration.fleet == nil ? "this" : "one"
    let mostRanks = max(64, cpus * ranksPerCPU)
    guard ranks <= mostRanks else {
      throw EngineError(
        .configuration,
        "\(configuration.mesh) asks for \(ranks) workers on \(place) host; its \(cpus) CPUs allow at most \(mostRanks)"
          + ", so lower a degree of the mesh")
    }
    let mostThreads = max(16, cpus * threadsPerCPU)
    guard configuration.threadsPerWorker <= mostThreads else {
      throw EngineError(
        .configuration,
        "--threads-per-worker \(configuration.threadsPerWorker) is more than this host of \(cpus) CPUs has use for; "
          + "give 0, which shares them out, or at most \(mostThreads)")
    }
  }

  private static var physicalMemory: Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && size > 0 ? pages * size : 4 << 30
  }
}
