import Testing
import Topology

@Test func namesCarryTheirDims() {
  #expect(TensorName.expertDown.name == "moe_w2")
  #expect(TensorName.expertDown.dims == ["E", "F", "H"])
  #expect(TensorName.norm.dims == ["H"])
}

@Test func ruledDimsExistAndUseEachAxisOnce() {
  for rules in [TensorAxisRules.runtime, .original] {
    for tensor in TensorName.allCases {
      let axes = rules[tensor].sharded.flatMap(\.axes)
      #expect(Set(axes).count == axes.count, "\(tensor)")
      for sharded in rules[tensor].sharded { #expect(sharded.dim < tensor.dims.count, "\(tensor)") }
    }
  }
}

@Test func weightShardsCoverEachTensorEquallyOften() throws {
  let mesh = Mesh(try MeshShape(attnDP: 2, attnDPExpert: 2, ep: 2, tp: 3))
  let weights: [TensorName] = [
    .embedding, .head, .query, .attentionOutput, .gateUp, .down, .router, .expertGateUp, .expertDown,
  ]
  for tensor in weights {
    let dims = tensor.dims.map { _ in 7 }
    let total = mesh.ranks.reduce(0) { sum, rank in
      let slices = TensorAxisRules.runtime.slices(of: tensor, dims: dims, rank: rank, mesh: mesh)
      return sum + slices.reduce(1) { $0 * $1.count }
    }
    let shares = TensorAxisRules.runtime[tensor].sharded.reduce(1) { $0 * mesh.shape.size(over: $1.axes) }
    #expect(total == dims.reduce(1, *) * (mesh.worldSize / shares), "\(tensor)")
  }
}

@Test func expertShardsOfOneMesh() throws {
  let mesh = Mesh(try MeshShape(attnDP: 2, ep: 2, tp: 2))
  let slices = mesh.ranks.map {
    TensorAxisRules.runtime.slices(of: .expertGateUp, dims: [6, 8, 40], rank: $0, mesh: mesh)
  }
  #expect(slices[3] == [3..<6, 0..<8, 10..<20])
  #expect(slices[4] == [0..<3, 0..<8, 20..<30])
  #expect(TensorAxisRules.runtime.shardedDims(of: .expertGateUp, mesh: mesh) == [0, 2])
  #expect(TensorAxisRules.runtime.shardedDims(of: .expertGateUp, mesh: .single) == [])
}
