import Foundation
import ModelConfigs
import Parsing
import Planning
import TestSupport
import Testing
import Topology

private func simulate(_ name: String, _ cluster: String) throws -> ClusterSimulation {
  let path = Fixtures.packageRoot.appendingPathComponent(
    "Tests/GoldenTests/Fixtures/models/\(name)/config.json")
  let json = try JSONReader.parse([UInt8](Data(contentsOf: path)))
  return try ClusterSimulation(
    ClusterDescription(cluster), config: ModelConfig(json: json),
    textConfig: ModelTranslationRequest.textConfig(of: #require(json.object)), options: MeshPlanOptions())
}

@Suite("Simulated clusters")
struct ClusterSimulationTests {
  @Test func aGivenMeshIsPredictedAsIs() throws {
    let rows = try simulate("mixtral", "nodes=4,tp=2,ep=2,attn_dp=2,link=25gbe,rtt=40us").rows
    #expect(rows.map(\.plan.mesh.shape) == [try MeshShape(attnDP: 2, ep: 2, tp: 2)])
    #expect(rows[0].sequences == 2)
  }

  @Test func aRangeDoublesAndEachCountGetsAMeshOfItsSize() throws {
    let simulation = try simulate("mixtral", "nodes=1..12,batch=64,rtt=10us")
    #expect(simulation.rows.map(\.nodes) == [1, 2, 4, 8, 12])
    for row in simulation.rows {
      #expect(row.plan.mesh.worldSize == row.nodes)
      #expect(row.sequences == 64)
    }
    #expect(simulation.efficiency(simulation.rows[0]) == 1)
  }

  /// The mesh that is taken is at least as fast as every mesh that a user could name.
  @Test func noNamedMeshIsFasterThanTheOneFound() throws {
    let found = try simulate("mixtral", "nodes=4,batch=8").rows[0]
    for mesh in ["tp=4", "ep=4", "attn_dp=4", "attn_dp_expert=4", "tp=2,ep=2", "dp=4", "tp=2,attn_dp=2"] {
      let named = try simulate("mixtral", "nodes=4,batch=8,\(mesh)").rows[0]
      #expect(named.tokensPerSecond <= found.tokensPerSecond * 1.000_001, "\(mesh)")
    }
  }

  @Test func aSlowerLinkCostsOnlyGroupsThatSpanNodes() throws {
    func step(_ cluster: String) throws -> Double {
      try simulate("mixtral", cluster).rows[0].plan.stepTime.seconds
    }
    // Four ranks on one node never use the link; on four nodes every exchange does.
    #expect(try step("nodes=1,tp=4,rtt=40us,link=10gbe") == step("nodes=1,tp=4,rtt=900us,link=1gbe"))
    #expect(try step("nodes=4,tp=4,rtt=40us,link=10gbe") < step("nodes=4,tp=4,rtt=900us,link=10gbe"))
    #expect(try step("nodes=4,tp=4,rtt=40us,link=10gbe") < step("nodes=4,tp=4,rtt=40us,link=1gbe"))
    // Two nodes of two ranks: copies of the model exchange nothing between nodes.
    #expect(
      try step("nodes=2,dp=2,tp=2,rtt=40us,link=10gbe") == step("nodes=2,dp=2,tp=2,rtt=900us,link=1gbe"))
  }

  @Test(arguments: [
    ("nodes=0", "nodes=0"), ("nodes=4..2", "from 4 to"), ("nodes=1..2,tp=2", "leave out tp"),
    ("tp", "key=value"), ("tp=", "key=value"), ("speed=3", "knows no 'speed'"), ("link=3", "link=3"),
    ("link=nan gbe", "link=nan gbe"), ("rtt=-1us", "rtt=-1us"), ("tp=2,tp=2", "twice"),
    ("nodes=1,tp=64", "64"), ("nodes=4096,ranks=256", "at most 4096"),
    ("memory=1e300gb/s", "memory=1e300gb/s"),
    ("", "key=value"),
  ])
  func whatCannotBeSimulatedIsRefusedInASentence(cluster: String, part: String) throws {
    #expect {
      try simulate("mixtral", cluster)
    } throws: { "\($0)".contains(part) && !"\($0)".contains("\n") }
  }

  @Test func thePageSaysWhatWasAssumed() throws {
    let page = try simulate("qwen3-moe", "nodes=1..4,link=100gbe").page
    for part in ["nodes", "tokens/s", "predicted, not measured", "12.50 GB/s"] {
      #expect(page.contains(part), "\(part)\n\(page)")
    }
  }
}
