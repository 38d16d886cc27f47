package import Scheduling
package import Topology
package import Wire

/// What a coordinator must know before anything happens.
package struct CoordinatorSettings: Sendable {
  package private(set) var mesh: Mesh
  /// Of each replica; its number of groups follows from the mesh.
  package var limits: SchedulerLimits
  /// Workers of another build are refused.
  package var buildID: String
  /// From the start until every rank has said hello.
  package var joinDeadline: Duration = .seconds(30)
  /// Longest time without any progress of a rank that loads.
  package var loadDeadline: Duration = .seconds(120)
  /// From a step plan until the last group's result.
  package var stepDeadline: Duration = .seconds(60)
  /// From a change of the epoch until a rank that holds its shard has taken it up.
  package var acknowledgeDeadline: Duration = .seconds(30)
  /// Longest time that a rank may compute without any progress.
  package var stallDeadline: Duration = .seconds(60)
  package var onRankLoss = RankLossPolicy.respawn
  /// Processes that wait for a rank to be lost, with `RankLossPolicy.spare`. Their numbers follow those of the ranks.
  package var numSpares = 0
  /// From the promotion of a spare until it has joined as a rank.
  package var promoteDeadline: Duration = .seconds(3)
  /// Where `RankLossPolicy.shrink` may go, the best one first.
  package var smallerMeshes: [SmallerMesh] = []
  package var restarts = RestartLimits()
  /// Workers come by themselves: nobody knows beforehand which start of a rank the next one will be.
  package var adoptsWorkers = false
  /// Later than any epoch that a former coordinator of the same workers may have given.
  package var firstEpoch = Epoch(rawValue: 1)
  /// A rank that has pulsed once is taken for hung when it is silent for twice this long.
  package var pulsePeriod: Duration = .milliseconds(500)

  /// What each rank is to the coordinator; worked out once, for it is asked for in every step.
  package private(set) var placements: [RankPlacement] = []

  package init(mesh: Mesh, limits: SchedulerLimits, buildID: String) {
    self.mesh = mesh
    self.limits = limits
    self.buildID = buildID
    settle()
  }

  /// The same run on a smaller mesh.
  package func on(_ smaller: SmallerMesh) -> CoordinatorSettings {
    var next = self
    next.mesh = Mesh(smaller.shape)
    next.limits.pagesPerGroup = smaller.pagesPerGroup
    next.smallerMeshes.removeAll { $0.shape.worldSize >= smaller.shape.worldSize }
    next.settle()
    return next
  }

  /// What follows from the mesh.
  private mutating func settle() {
    let mesh = mesh
    limits.numGroups = mesh.tokenOwners
    placements = mesh.ranks.map { rank in
      RankPlacement(
        replica: mesh.index(of: rank, over: [.data]),
        group: mesh.index(of: rank, over: MeshGroup.token.axes),
        isReporter: mesh.index(of: rank, over: MeshGroup.attention.axes) == 0)
    }
    numReplicas = mesh.shape.size(over: [.data])
  }

  /// Replicas that step independently of each other.
  package private(set) var numReplicas = 1
}

/// A mesh that a run can go on with.
package struct SmallerMesh: Sendable, Hashable {
  package var shape: MeshShape
  /// KV pages of each attention group there.
  package var pagesPerGroup: Int

  package init(shape: MeshShape, pagesPerGroup: Int) {
    self.shape = shape
    self.pagesPerGroup = pagesPerGroup
  }
}

/// Where a rank sits, as far as planning is concerned.
package struct RankPlacement: Sendable, Hashable, BitwiseCopyable {
  package var replica: Int
  /// Index of its attention group within the replica, as in `StepPlan.groups`.
  package var group: Int
  /// It samples for its attention group and sends the group's results: the first rank of the group.
  package var isReporter: Bool
}
