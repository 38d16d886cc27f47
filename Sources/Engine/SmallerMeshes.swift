internal import Compute
internal import Coordination
internal import Topology

/// The meshes that a run can shrink to.
enum SmallerMeshes {
  /// More are never needed: each one loses at least one rank.
  private static let mostChoices = 16

  /// Valid meshes with fewer ranks whose caches hold a whole sequence, the best first: as many ranks as possible, then
  /// as few axes changed as possible, then as little change as possible.
  static func choices(_ configuration: EngineConfiguration) -> [SmallerMesh] {
    let now = configuration.mesh.degrees
    var shapes: [[Int]] = [[]]
    for degree in now { shapes = shapes.flatMap { shape in (1...degree).map { shape + [$0] } } }
    func order(_ shape: [Int]) -> [Int] {
      let changes = zip(shape, now).map { $1 - $0 }
      return [-shape.reduce(1, *), changes.count { $0 > 0 }, changes.reduce(0, +)] + changes
    }
    shapes.removeAll { $0.reduce(1, *) >= now.reduce(1, *) }
    shapes.sort { order($0).lexicographicallyPrecedes(order($1)) }
    var found: [SmallerMesh] = []
    for shape in shapes where found.count < mostChoices {
      // One choice for each number of ranks.
      if let last = found.last, last.shape.worldSize <= shape.reduce(1, *) { continue }
      if let mesh = usable(shape, configuration) { found.append(mesh) }
    }
    return found
  }

  private static func usable(_ degrees: [Int], _ configuration: EngineConfiguration) -> SmallerMesh? {
    guard
      let shape = try? MeshShape(
        dp: degrees[0], attnDP: degrees[1], attnDPExpert: degrees[2], ep: degrees[3], tp: degrees[4])
    else { return nil }
    var smaller = configuration
    smaller.mesh = shape
    // Weights are of the ranks of the whole mesh; those that are left share alike.
    smaller.balance = []
    // The sizes are those of a fresh run: they refuse a cache that does not hold a whole sequence.
    guard let plan = try? MeshEngine.shardPlan(smaller),
      let sizes = try? RunSizes(smaller, plan: plan, cpus: HostFacts.allowedCPUs.count)
    else { return nil }
    return SmallerMesh(shape: shape, pagesPerGroup: sizes.pagesPerGroup)
  }
}
