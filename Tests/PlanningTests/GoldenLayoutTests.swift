import Parsing
import Planning
import Testing
import Topology

/// The tensor of a recorded name, and the rules that the name asks for.
private func recordedTensor(_ name: String) -> (tensor: TensorName?, rules: TensorAxisRules) {
  let earlier = " @seed_rules"
  let isEarlier = name.hasSuffix(earlier)
  let plain = name.dropFirst(name.hasPrefix("tpu:") ? 4 : 0).dropLast(isEarlier ? earlier.count : 0)
  return (TensorName(rawValue: String(plain)), isEarlier ? .earlierOriginal : .original)
}

private func mesh(_ golden: JSONValue) throws -> Mesh {
  func size(_ axis: MeshAxis) throws -> Int { try #require(golden["mesh"]?[axis.rawValue]?.int) }
  #expect(golden["mesh"]?["dcp"] == 1 && golden["mesh"]?["pcp"] == 1)
  return Mesh(
    try MeshShape(
      dp: size(.data), attnDP: size(.attnDP), attnDPExpert: size(.attnDPExpert), ep: size(.expert),
      tp: size(.model)))
}

@Test func everyRecordedSliceFollowsFromTheTable() throws {
  var count = 0
  for golden in try goldenCases("golden_layout") {
    let mesh = try mesh(golden)
    for (name, recorded) in try #require(golden["tensors"]?.object).members {
      let comment = Comment(rawValue: "\(golden["id"]?.string ?? "") \(name)")
      let (found, rules) = recordedTensor(name)
      let tensor = try #require(found, comment)
      let dims = recorded["shape"]?.array?.compactMap(\.int) ?? []
      let sharded = rules.shardedDims(of: tensor, mesh: mesh)
      #expect(sharded == recorded["sharded_dims"]?.array?.compactMap(\.int), comment)
      #expect(sharded.isEmpty == (recorded["replicated"]?.bool ?? false), comment)
      for (rank, slices) in (recorded["per_rank"]?.array ?? []).enumerated() {
        let ours = rules.slices(of: tensor, dims: dims, rank: rank, mesh: mesh)
        let theirs = slices.array?.map { ($0[0]?.int ?? -1)..<($0[1]?.int ?? -1) }
        #expect(sharded.map { ours[$0] } == theirs, comment)
      }
      count += 1
    }
  }
  print("golden_layout: \(count) tensors on 15 meshes equal")
  #expect(count > 300)
}

@Test func everyRecordedReplicaGroupFollowsFromTheMesh() throws {
  let kinds: [(name: String, kind: MeshGroup)] = [
    ("attn_output_reduce(expert,model)", .attention), ("dense_mlp_reduce(attn_dp,model)", .mlp),
    ("attn_tokens_gather(attn_dp)", .mlpToken), ("attn_tokens_gather_moe(attn_dp,attn_dp_expert)", .token),
    ("moe_reduce(all_but_data)", .replica), ("token_owner(data,attn_dp,attn_dp_expert)", .attention),
  ]
  for golden in try goldenCases("golden_layout") {
    let mesh = try mesh(golden)
    #expect(golden["groups"]?.object?.count == kinds.count)
    for (name, kind) in kinds {
      let recorded = golden["groups"]?[name]?.array?.map { $0.array?.compactMap(\.int) ?? [] }
      #expect(recorded == mesh.groups(kind).map(\.ranks), "\(golden["id"]?.string ?? "") \(name)")
    }
    for (rank, recorded) in (golden["rank_coords"]?.array ?? []).enumerated() {
      let at = mesh.coordinates(of: rank)
      for (axis, position) in recorded.object?.members ?? [] {
        #expect(MeshAxis(rawValue: axis).map { at[$0] } == position.int)
      }
    }
  }
}
