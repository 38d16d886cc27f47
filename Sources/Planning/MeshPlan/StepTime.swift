import Topology

/// A predicted decode step: a roofline per core, turns where ranks outnumber cores, and exchanges one after the other.
///
/// The roofline is that of Williams, Waterman and Patterson (2009) with one line for each level of the caches; an
/// exchange is a latency, a time per message and a time per byte, as in LogGP (Alexandrov et al., 1995).
package struct StepTime: Sendable, Hashable {
  /// What an average rank computes: reading weights and KV or multiplying, and a constant for each operation.
  package var computeSeconds = 0.0
  /// What the busiest rank computes beyond that, waiting for a core, and for ranks that are a little behind.
  package var waitSeconds = 0.0
  /// Latency of all exchanges, and bytes on links between hosts.
  package var wireSeconds = 0.0
  /// Handing messages over, and bytes inside hosts.
  package var serialiseSeconds = 0.0
  /// Between steps: results, scheduling, plans.
  package var controlSeconds = 0.0
  /// The part of `wireSeconds` and `serialiseSeconds` that bytes take.
  package var transferSeconds = 0.0

  /// The part of `waitSeconds` that is no part of exchanges: busier ranks, and cores that are taken. Together with
  /// compute, exchanges, transfers and control it is the whole step.
  package var imbalanceSeconds = 0.0
  /// What all exchanges cost whatever their size; part of wait, wire and serialise.
  package var exchangeSeconds = 0.0

  package var seconds: Double {
    computeSeconds + waitSeconds + wireSeconds + serialiseSeconds + controlSeconds
  }

  init(
    tensors: [TensorPlan], collectives: [PlannedCollective], kvBytesPerToken: [Int], plan: ShardPlan,
    options: MeshPlanOptions
  ) {
    let hosts = HostShare(options.machine, worldSize: plan.mesh.worldSize)
    let work = StepWork(
      tensors: tensors, kvBytesPerToken: kvBytesPerToken, plan: plan, options: options)
    compute(work, hosts, phases: collectives.count + 1, options.machine)
    let traffic = ExchangeLoad(plan, options)
    let sentRows = Double(traffic.tokensPerReplica * plan.mesh.shape.dp) / Double(hosts.count)
    for collective in collectives {
      add(collective, traffic, sentRows: sentRows, hosts, plan.mesh, options.machine)
    }
    controlSeconds =
      options.machine.controlSeconds
      + options.machine.controlSecondsPerRank * Double(max(0, hosts.ranksPerHost - hosts.cores))
  }

  private mutating func compute(_ work: StepWork, _ hosts: HostShare, phases: Int, _ machine: MachineModel) {
    var busiest = 0.0
    var sum = 0.0
    for host in 0..<hosts.count {
      let ranks = hosts.ranks(of: host)
      let bytesPerCore = ranks.reduce(0) { $0 + work.bytes[$1] } / Double(hosts.activeCores)
      func seconds(_ rank: Int, cores: Int, _ bytes: Double) -> Double {
        let rate = machine.readRate(cores: cores, bytesPerCore: bytesPerCore) / Double(cores)
        let reading = bytes / (rate * Double(hosts.threads))
        let multiplying =
          work.multiplyAdds[rank] / machine.multiplyAddsPerSecond * Double(hosts.cores)
          / Double(hosts.threads)
        return max(reading, multiplying) + work.operations[rank] * machine.operationSeconds(hosts.threads)
      }
      let own = ranks.map { seconds($0, cores: hosts.activeCores, work.bytes[$0]) }
      let mean = own.reduce(0, +) / Double(max(1, own.count))
      sum += mean * Double(own.count)
      guard hosts.isCrowded else {
        let most = ranks.map { seconds($0, cores: hosts.activeCores, work.busiestBytes[$0]) }.max() ?? 0
        busiest = max(busiest, most)
        continue
      }
      let turns = Double(hosts.ranksPerHost * hosts.threads) / Double(hosts.cores)
      guard mean / Double(phases) < MachineModel.timeSliceSeconds else {
        busiest = max(busiest, mean * turns)
        continue
      }
      // Shorter than a time slice, a rank runs to its next exchange once it has a core: whole turns, the last of
      // them with fewer ranks, which have the memory to themselves.
      let whole = turns.rounded(.down)
      let rest = Int(((turns - whole) * Double(hosts.cores)).rounded())
      let last = rest == 0 ? 0 : (ranks.map { seconds($0, cores: rest, work.bytes[$0]) }.max() ?? 0)
      busiest = max(busiest, mean * whole + last)
    }
    computeSeconds = sum / Double(max(1, work.bytes.count))
    imbalanceSeconds = max(0, busiest - computeSeconds)
    waitSeconds = imbalanceSeconds
  }

  private mutating func add(
    _ collective: PlannedCollective, _ load: ExchangeLoad, sentRows: Double, _ hosts: HostShare, _ mesh: Mesh,
    _ machine: MachineModel
  ) {
    let isRemote = !hosts.holdsGroups(of: collective.group, mesh)
    let perRank = load.messagesPerRank(collective)
    let queue = perRank * Double(hosts.ranksPerHost) / Double(hosts.carriers)
    let local = machine.exchangeSeconds + machine.messageSeconds * max(0, queue - 1)
    let remote = isRemote ? machine.remoteRoundTripSeconds : 0
    waitSeconds += local * machine.exchangeWaitShare
    wireSeconds += local * (1 - machine.exchangeWaitShare) + remote
    serialiseSeconds += machine.sendSeconds * perRank
    exchangeSeconds += local + remote + machine.sendSeconds * perRank
    let bytes = collective.bytesPerToken * sentRows
    if isRemote {
      wireSeconds += bytes / machine.linkBytesPerSecond
      transferSeconds += bytes / machine.linkBytesPerSecond
    } else {
      serialiseSeconds += bytes / machine.localBytesPerSecond
      transferSeconds += bytes / machine.localBytesPerSecond
    }
  }
}

/// How ranks share hosts, each of which has consecutive ones.
struct HostShare {
  let ranksPerHost: Int
  let cores: Int
  /// Threads of a rank.
  let threads: Int
  /// Threads that can carry messages at once: a rank's own and that of its link, while there are cores.
  let carriers: Int
  let count: Int
  private let worldSize: Int

  init(_ machine: MachineModel, worldSize: Int) {
    self.worldSize = worldSize
    ranksPerHost = max(1, min(machine.ranksPerHost ?? worldSize, worldSize))
    count = (worldSize + ranksPerHost - 1) / ranksPerHost
    cores = max(1, machine.coresPerHost ?? ranksPerHost)
    carriers = min(machine.coresPerHost ?? .max, 2 * ranksPerHost)
    threads = max(1, machine.threadsPerRank ?? cores / ranksPerHost)
  }

  /// Cores that have something to do while all ranks compute.
  var activeCores: Int { min(cores, ranksPerHost * threads) }
  /// Whether threads outnumber cores.
  var isCrowded: Bool { ranksPerHost * threads > cores }

  func ranks(of host: Int) -> Range<Int> {
    host * ranksPerHost..<min((host + 1) * ranksPerHost, worldSize)
  }

  /// Whether no group of the kind has ranks on two hosts.
  func holdsGroups(of kind: MeshGroup, _ mesh: Mesh) -> Bool {
    if ranksPerHost >= worldSize { return true }
    // Steps of one along the kind's axes: when each of them stays inside a host, so does the group.
    return kind.axes.allSatisfy { axis in
      guard mesh.shape[axis] > 1 else { return true }
      let inner = MeshAxis.allCases.drop { $0 != axis }.dropFirst().reduce(1) { $0 * mesh.shape[$1] }
      return ranksPerHost % (inner * mesh.shape[axis]) == 0
    }
  }
}
