package import Scheduling
package import Topology

/// What a coordinator must know before anything happens.
package struct CoordinatorSettings: Sendable {
  package var mesh: Mesh
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
  /// A rank that has pulsed once is taken for hung when it is silent for twice this long.
  package var pulsePeriod: Duration = .milliseconds(500)

  package init(mesh: Mesh, limits: SchedulerLimits, buildID: String) {
    self.mesh = mesh
    self.limits = limits
    self.limits.numGroups = mesh.tokenOwners
    self.buildID = buildID
  }

  /// Replicas that step independently of each other.
  package var numReplicas: Int { mesh.shape.size(over: [.data]) }

  package func replica(of rank: Int) -> Int { mesh.index(of: rank, over: [.data]) }

  /// Index of the rank's attention group within its replica, as in `StepPlan.groups`.
  package func attentionGroup(of rank: Int) -> Int { mesh.index(of: rank, over: MeshGroup.token.axes) }

  /// The rank that samples for its attention group and reports its results.
  package func isReporter(_ rank: Int) -> Bool { mesh.index(of: rank, over: MeshGroup.attention.axes) == 0 }
}
